// The static tables that the machine runs on until Python has built its own, and again after a soft reset.
#pragma once
#include <stdint.h>

extern uint64_t boot_tables_root;   // physical address; 0 before they are built

void boot_tables_build(void);
void boot_tables_activate(void);
