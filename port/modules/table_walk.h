// How entries look and how tables are reached, for C that works on whole mappings. Tables are reached through the
// physical window. Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
#pragma once
#include <stdint.h>
#include "boot/layout.h"
#include "port/hardware/cpu.h"
#include "port/hardware/instructions.h"
#include "port/hardware/window.h"

#define ENTRY_PRESENT       (1UL << 0)
#define ENTRY_WRITABLE      (1UL << 1)
#define ENTRY_USER          (1UL << 2)
#define ENTRY_HUGE          (1UL << 7)      // in levels 2 and 3; at level 1 the same bit is PAT
#define ENTRY_PAT_HUGE      (1UL << 12)     // PAT of a huge leaf
#define ENTRY_EXCLUSIVE     (1UL << 55)
#define ENTRY_NO_EXECUTE    (1UL << 63)
#define ENTRY_ADDRESS       0x000ffffffffff000UL
#define ENTRY_ACCESSED_DIRTY (3UL << 5)

#define ROOT_LEVEL 4
#define FIRST_SHARED_INDEX 256              // of the root: from here on all tables are the same

static inline unsigned index_at(uint64_t page, unsigned level) { return page >> (9 * (level - 1)) & 511; }
// How many pages of 4 KiB one entry of this level covers.
static inline uint64_t pages_at(unsigned level) { return 1UL << (9 * (level - 1)); }
static inline uint64_t *table_of(uint64_t entry) { return window_pointer(entry & ENTRY_ADDRESS); }
static inline int is_leaf(uint64_t entry, unsigned level) { return level == 1 || (entry & ENTRY_HUGE) != 0; }
static inline uint64_t frame_of_leaf(uint64_t entry, unsigned level) {
    return (entry & ENTRY_ADDRESS) >> 12 & ~(pages_at(level) - 1);
}

// A flag word: bits 0-11 of an entry (bit 7 always 0), then bits 52-63, then PAT, which each level keeps elsewhere.
#define WORD_HUGE   (1UL << 7)
#define WORD_PAT    (1UL << 24)
#define WORD_LIMIT  (1UL << 25)

static inline uint64_t leaf_bits(uint64_t word, unsigned level) {
    uint64_t bits = (word & 0xfff & ~WORD_HUGE) | (word >> 12 & 0xfff) << 52;
    if (level == 1) {
        return word & WORD_PAT ? bits | ENTRY_HUGE : bits;
    }
    return (word & WORD_PAT ? bits | ENTRY_PAT_HUGE : bits) | ENTRY_HUGE;
}
static inline uint64_t word_of_leaf(uint64_t entry, unsigned level) {
    uint64_t pat = level == 1 ? entry & ENTRY_HUGE : entry & ENTRY_PAT_HUGE;
    return (entry & 0xfff & ~WORD_HUGE) | entry >> 52 << 12 | (pat ? WORD_PAT : 0);
}
