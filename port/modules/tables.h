// Page tables as C sees them: entries, flag words, and the access object that says how a table is reached.
#pragma once
#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>
#include "py/obj.h"

// Four-level paging. The one place that says so; Python reads it as `_tables.LEVELS`.
#define TABLE_LEVELS 4

#define ENTRY_PRESENT    (1UL << 0)
#define ENTRY_WRITABLE   (1UL << 1)
#define ENTRY_USER       (1UL << 2)
#define ENTRY_ACCESSED   (1UL << 5)
#define ENTRY_DIRTY      (1UL << 6)
#define ENTRY_HUGE       (1UL << 7)     // levels 2 and 3; at level 1 this bit is PAT
#define ENTRY_GLOBAL     (1UL << 8)
#define ENTRY_HUGE_PAT   (1UL << 12)    // PAT in a leaf of level 2 or 3
#define ENTRY_NO_EXECUTE (1UL << 63)
#define ENTRY_FRAME      0x000ffffffffff000UL

// Flag words: bits 0-11 of the entry, then its bits 52-63; bit 24 is PAT, wherever the level keeps it.
#define WORD_PRESENT     (1U << 0)
#define WORD_WRITABLE    (1U << 1)
#define WORD_USER        (1U << 2)
#define WORD_HUGE        (1U << 7)
#define WORD_NO_EXECUTE  (1U << 23)
#define WORD_PAT         (1U << 24)
#define WORD_LIMIT       (1U << 25)

// What a call answers when it refuses; Python makes the exceptions (kernel/paging/refusals.py). Nothing has changed.
enum {
    REFUSED_NOT_MAPPED = -1, REFUSED_PARENT_HUGE = -2, REFUSED_ALREADY_MAPPED = -3, REFUSED_TABLE_IN_THE_WAY = -4,
    REFUSED_STALE_ENTRY = -5, REFUSED_STALE_PARENT = -6, REFUSED_MALFORMED = -7, REFUSED_PROTECTED = -8,
    REFUSED_FLAGS = -9, REFUSED_MISALIGNED = -10, REFUSED_OUT_OF_RANGE = -11, REFUSED_NOT_ACTIVE = -12,
    REFUSED_SMALLER_PAGES = -13,
};

enum { REACH_OFFSET, REACH_RECURSIVE, REACH_TEMPORARY, REACH_FUNCTION, REACH_KINDS };

typedef struct { uint64_t *items; size_t count, capacity; } number_list_t;
typedef struct { uint64_t frame; uint64_t *table; } reached_table_t;
typedef struct { uint64_t first, last; } page_span_t;  // addresses of the first and the last byte

// What is to be mapped: addresses in bytes, a count of 4 KiB pages, flag words, levels.
typedef struct {
    uint64_t address, frame, count;
    uint32_t word, parent_word;
    bool widen_parents;
    int smallest, largest;
} mapping_t;

typedef struct {
    mp_obj_base_t base;
    uint8_t kind;
    uint64_t reach;             // offset: what is added to a physical address; recursive: the slot; temporary: the window
    uint64_t root;              // physical address of the level-4 table
    mp_obj_t frame_to_page;     // REACH_FUNCTION
    mp_obj_t describer;
    reached_table_t *reached;   // REACH_FUNCTION: what it answered, this call
    size_t reached_count, reached_capacity;
    bool will_write;            // tables that a function answers are written to, for a fault to come before the commit
    uint64_t slots[TABLE_LEVELS + 1];   // REACH_TEMPORARY: the frame that each slot shows, 0 for none
    uint64_t reserved;          // bits that no present entry may have on this CPU, in its mode
    bool gigabyte_pages;
    uint16_t shared_from;       // level-3 tables of root entries from here on are never freed
    number_list_t spare, freed; // frame numbers: tables to come, tables gone
    size_t freed_taken;         // how many of the latter have been handed back
    page_span_t *protected;
    size_t protected_count;
    uint64_t protected_lowest;
    mapping_t request;          // of the last map()
    // Details of the last answer.
    uint64_t page, entry, count, table;
    int level, protected_index;
    uint32_t effective;
    bool any_global, parents_changed;
} access_t;

// pages that an entry of a table at `level` covers
static inline uint64_t pages_of(int level) { return 1UL << 9 * (level - 1); }
static inline uint64_t index_of(uint64_t address, int level) { return address >> (12 + 9 * (level - 1)) & 511; }
static inline bool is_leaf(uint64_t entry, int level) { return level == 1 || (level < TABLE_LEVELS && (entry & ENTRY_HUGE)); }
static inline uint64_t leaf_address_mask(int level) { return ENTRY_FRAME & ~((pages_of(level) << 12) - 1); }

uint64_t entry_flags_of(uint32_t word, int level, bool leaf);
uint32_t word_of(uint64_t entry, int level);
bool entry_is_malformed(const access_t *access, uint64_t entry, int level);

// port/modules/table_access.c
int access_begin(access_t *access, bool will_write);
void access_end(access_t *access);
uint64_t *access_table_slow(access_t *access, int level, uint64_t frame, uint64_t address);
uint64_t *access_root(access_t *access);
void access_link_recursive(access_t *access, uint64_t *entry, uint64_t value, int level, uint64_t address);
void access_foresee(access_t *access, uint64_t frame);
int access_check_protected(access_t *access, uint64_t address, uint64_t count);
uint64_t *access_walk(access_t *access, uint64_t address, int lowest);

// The table at `level` that lies on the way to `address`, whose frame is `frame`. The pointer to a level stays good
// until another table of the same level is asked for.
static inline uint64_t *access_table(access_t *access, int level, uint64_t frame, uint64_t address) {
    if (access->kind == REACH_OFFSET) {
        return (uint64_t *)(access->reach + frame);
    }
    return access_table_slow(access, level, frame, address);
}

// port/modules/table_runs.c. Addresses in bytes, counts in 4 KiB pages.
typedef struct {
    uint64_t address, count;
    int smallest, largest;
    uint32_t keep, set;             // flag words, of run_update
} leaves_t;
int run_check(access_t *access, const leaves_t *leaves);
void run_clear(access_t *access, const leaves_t *leaves);
void run_update(access_t *access, const leaves_t *leaves);
int run_next(access_t *access, uint64_t address, uint64_t count);
uint64_t run_invalidate(uint64_t address, uint64_t count, uint64_t pages);

// port/modules/table_map.c
bool map_one(access_t *access, const mapping_t *mapping);
int map_check(access_t *access, const mapping_t *mapping, size_t *tables_needed);
void map_commit(access_t *access, const mapping_t *mapping);
void map_clean_up(access_t *access, uint64_t first, uint64_t last);
void number_list_reserve(number_list_t *list, size_t more);

static inline void table_fill_zero(void *to, uint64_t words) {
    __asm__ volatile ("rep stosq" : "+D"(to), "+c"(words) : "a"(0UL) : "memory");
}

// The OR of `count` entries: two at a time, as page tables are 16-byte aligned at even indexes.
typedef uint64_t entry_pair_t __attribute__((vector_size(16), may_alias));
uint64_t entries_or(const uint64_t *entries, uint64_t count);
