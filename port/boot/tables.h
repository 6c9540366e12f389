// The static tables that the machine runs on until Python has built its own, and again after a soft reset.
#pragma once
#include <stdint.h>

extern uint64_t boot_tables_root;   // physical address; 0 before they are built

void boot_tables_build(void);
void boot_tables_activate(void);

// The first area of Python's heap: where it is linked, its frames, and how large it is on this machine.
typedef struct { char *start; uint64_t physical, bytes; } first_heap_t;
extern first_heap_t first_heap;
