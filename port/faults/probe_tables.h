// The tables that the probe works on.
#pragma once
#include <stdint.h>
#include "boot/layout.h"

#define PROBE_LEVELS 4          // a case is so many entries: the block's format, the judge and the oracle know it as well

extern uint64_t probe_target[ENTRIES_PER_TABLE];        // the frame that is accessed there

// Make the probe's own root: the kernel's image as the active tables have it but without NX, ring 3's code, and nothing
// for the address of the cases but, with five levels, the entry that no case is about. Its physical address.
uint64_t probe_root_build(uint64_t address, unsigned top);
// Is that entry of the root free for the cases?
bool probe_root_has_room(uint64_t root_index);
// The address by whose translation the cases go; it leads to `offset` in the target at every page size, for the low 30 bits
// are the frame's. `index` is that of the levels between the root and the second.
uint64_t probe_address(uint64_t root_index, uint64_t index, uint64_t offset);
// The entries that the cases are about on the way of that address, those of levels 1 to 3 and of `top`, which is 4 or the
// root's: where each lies, and the physical address that it has to hold when it maps a page, and when it doesn't.
typedef struct { volatile uint64_t *entry; uint64_t as_leaf, as_table; } probe_step_t;
void probe_way(uint64_t address, unsigned top, probe_step_t way[PROBE_LEVELS]);
// Where ring 3's code is mapped in that root.
uint64_t probe_user_code(void);

// Ring 3's code in a free entry of the active root, for a while; 0 if none is free. A new entry needs no flush.
uint64_t probe_user_code_borrow(void);
void probe_user_code_return(uint64_t user_code);
