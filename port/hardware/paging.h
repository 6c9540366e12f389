/*
 * What the bits of a page-table entry mean: the one place that says it, for assembler and C. It is for whoever looks at
 * the entries of one table and is told its level (1 maps 4 KiB pages); that tables lead to tables is in paging_walk.h,
 * which four files may include. Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
 *
 *    63  62..59  58..52      51..M        M-1..12    11..9   8   7   6   5   4   3   2   1   0
 *   +---+------+---------+--------------+-----------+------+---+---+---+---+---+---+---+---+---+
 *   |NX | key  | for us  | reserved: 0  |   frame   |for us| G | S | D | A |PCD|PWT|U/S|R/W| P |
 *   +---+------+---------+--------------+-----------+------+---+---+---+---+---+---+---+---+---+
 *   M: how many bits a physical address has on this CPU
 *   S: set in levels 2 and 3, the entry maps a (huge) page itself, and PAT is bit 12; at level 1 bit 7 is PAT;
 *      from level 4 on it is reserved
 */
#ifndef CLEW_PORT_HARDWARE_PAGING_H
#define CLEW_PORT_HARDWARE_PAGING_H

#include "boot/layout.h"

#define PAGE_BITS               12
#define INDEX_BITS              9       /* of an address, for each level */

#define ENTRY_PRESENT           (UL(1) << 0)
#define ENTRY_WRITABLE          (UL(1) << 1)
#define ENTRY_USER              (UL(1) << 2)
#define ENTRY_ACCESSED          (UL(1) << 5)
#define ENTRY_DIRTY             (UL(1) << 6)
#define ENTRY_ACCESSED_DIRTY    (ENTRY_ACCESSED | ENTRY_DIRTY)  /* the marks: the processor sets them when it likes */
#define ENTRY_HUGE              (UL(1) << 7)    /* levels 2 and 3 */
#define ENTRY_PAT               (UL(1) << 7)    /* level 1 */
#define ENTRY_GLOBAL            (UL(1) << 8)
#define ENTRY_HUGE_PAT          (UL(1) << 12)   /* in a leaf of level 2 or 3 */
#define ENTRY_EXCLUSIVE         (UL(1) << 55)   /* one of the bits that are for us */
#define ENTRY_KEY_SHIFT         59
#define ENTRY_NO_EXECUTE        (UL(1) << 63)
#define ENTRY_FRAME             UL(0x000ffffffffff000)
#define FRAME_LIMIT             (UL(1) << 40)   /* of frame numbers, as an entry has room for them */

/*
 * Flag words, which cross the border to Python: bits 0-11 of an entry, then its bits 52-63, then PAT, wherever the level
 * keeps it. Bit 7 is set in raw words only (word_of_entry): those of a leaf have PAT in bit 24 and 0 there.
 */
#define WORD_PRESENT            (UL(1) << 0)
#define WORD_WRITABLE           (UL(1) << 1)
#define WORD_USER               (UL(1) << 2)
#define WORD_HUGE               (UL(1) << 7)
#define WORD_NO_EXECUTE         (UL(1) << 23)
#define WORD_PAT                (UL(1) << 24)
#define WORD_RAW_LIMIT          (UL(1) << 24)
#define WORD_LIMIT              (UL(1) << 25)

#define UPPER_HALF_FIRST_PAGE   UL(0x8000000000000)     /* page numbers have 52 bits; the half is the first of them */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>
#include "port/hardware/cpu.h"

#define PAGING_LEVELS_MAX 5
// Fixed from long mode on: CR4.LA57 can't change there. The one place that says how many levels there are.
typedef struct {
    unsigned levels;        // 4, or 5 with CR4.LA57
    uint64_t half_bytes;    // what each half of the address space has
    uint64_t window;        // where the physical window begins
} paging_mode_t;
extern paging_mode_t paging_mode;
void paging_init(void);

static inline unsigned paging_levels(void) { return paging_mode.levels; }
static inline uint64_t address_space_bytes(void) { return 2 * paging_mode.half_bytes; }
static inline uint64_t address_space_pages(void) { return address_space_bytes() / PAGE_SIZE; }
// An address whose unused high bits are copies of the highest one that counts.
static inline bool address_is_canonical(uint64_t address) {
    return address + paging_mode.half_bytes < address_space_bytes();
}

// How many pages of 4 KiB one entry of this level covers.
static inline uint64_t pages_of_level(unsigned level) { return 1UL << INDEX_BITS * (level - 1); }

// --- entries ---

// Does this entry, which is present, map a page itself?
static inline bool entry_is_leaf(uint64_t entry, unsigned level) {
    return level == 1 || (level <= 3 && (entry & ENTRY_HUGE) != 0);
}
static inline uint64_t frame_of_entry(uint64_t entry) { return (entry & ENTRY_FRAME) >> PAGE_BITS; }
static inline uint64_t frame_of_leaf(uint64_t entry, unsigned level) {
    return frame_of_entry(entry) & ~(pages_of_level(level) - 1);        // bit 12 may be PAT
}

// The bits that no present entry may have, of whatever level, on this CPU with EFER.NXE as it is now.
uint64_t reserved_entry_bits(void);

// Does the processor refuse this entry, for a bit that it wants to be 0? `reserved` is reserved_entry_bits().
static inline bool entry_is_malformed(uint64_t entry, unsigned level, uint64_t reserved) {
    if (level > 3 || (level == 3 && !cpu_features.gigabyte_pages)) {
        reserved |= ENTRY_HUGE;
    } else if (level > 1 && entry & ENTRY_HUGE) {
        reserved |= ((pages_of_level(level) - 1) << PAGE_BITS) & ~ENTRY_HUGE_PAT;
    }
    return (entry & ENTRY_PRESENT) && (entry & reserved) != 0;
}

// --- flag words ---

// As they are, without a look at what bit 7 means: for entries of any level, whether they make sense or not.
static inline uint64_t word_of_entry(uint64_t entry) { return (entry & 0xfff) | entry >> 52 << 12; }
static inline uint64_t entry_of_word(uint64_t word) { return (word & 0xfff) | (word >> 12 & 0xfff) << 52; }

// The bits of a leaf without its frame, and back.
static inline uint64_t leaf_of_word(uint64_t word, unsigned level) {
    uint64_t bits = entry_of_word(word & ~WORD_HUGE);
    if (level == 1) {
        return word & WORD_PAT ? bits | ENTRY_PAT : bits;
    }
    return (word & WORD_PAT ? bits | ENTRY_HUGE_PAT : bits) | ENTRY_HUGE;
}
static inline uint64_t word_of_leaf(uint64_t entry, unsigned level) {
    uint64_t pat = entry & (level == 1 ? ENTRY_PAT : ENTRY_HUGE_PAT);
    return (word_of_entry(entry) & ~WORD_HUGE) | (pat ? WORD_PAT : 0);
}
#endif

#endif
