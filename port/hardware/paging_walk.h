// That tables lead to tables. Python walks them; C has no business here but where no Python can run yet, any more, or in
// between: boot/tables.c, faults/walk.c, faults/probe_tables.c. tests hold that list. Tables are reached through the
// physical window.
#pragma once
#include "port/hardware/paging.h"
#include "port/hardware/window.h"

// Where the index into a table of this level begins in an address.
static inline unsigned shift_of_level(unsigned level) { return PAGE_BITS + INDEX_BITS * (level - 1); }
static inline uint64_t bytes_of_level(unsigned level) { return 1UL << shift_of_level(level); }
static inline unsigned index_of_address(uint64_t address, unsigned level) {
    return address >> shift_of_level(level) & (ENTRIES_PER_TABLE - 1);
}
// The first address of a root table's entry, in whichever half it lies.
static inline uint64_t address_of_root_index(uint64_t index) {
    unsigned unused = 64 - shift_of_level(paging_levels() + 1);
    return (uint64_t)((int64_t)(index << shift_of_level(paging_levels()) << unused) >> unused);
}
static inline uint64_t *table_of_entry(uint64_t entry) { return window_pointer(entry & ENTRY_FRAME); }
