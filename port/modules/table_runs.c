// What is done to a run of pages that are mapped: look, clear, change, invalidate. Any mix of page sizes.
// Always in two passes: run_check says whether all of it can be done, then one commit that can't fail.
#include "port/runtime/natives.h"
#include "port/modules/tables.h"
#include "port/hardware/instructions.h"

#define LEAF_BITS(level) ((level) == 1 ? ENTRY_PRESENT : ENTRY_PRESENT | ENTRY_HUGE)
#define CLEAR_BY_LOOP_BELOW 8

#pragma GCC optimize ("unroll-loops")

uint64_t entries_or(const uint64_t *entries, uint64_t count) {
    uint64_t single = 0;
    if (count > 0 && ((uintptr_t)entries & 15) != 0) {
        single = *entries++;
        count--;
    }
    const entry_pair_t *pair = (const entry_pair_t *)entries;
    entry_pair_t sum = { 0, 0 };
    for (; count >= 16; count -= 16, pair += 8) {
        for (int i = 0; i < 8; i++) {
            sum |= pair[i]; // one instruction each, with its operand in memory
        }
    }
    for (; count >= 2; count -= 2) {
        sum |= *pair++;
    }
    return single | sum[0] | sum[1] | (count > 0 ? *(const uint64_t *)pair : 0);
}

static uint64_t entries_and(const uint64_t *entries, uint64_t count) {
    uint64_t single = ~0UL;
    if (count > 0 && ((uintptr_t)entries & 15) != 0) {
        single = *entries++;
        count--;
    }
    const entry_pair_t *pair = (const entry_pair_t *)entries;
    entry_pair_t product = { ~0UL, ~0UL };
    for (; count >= 16; count -= 16, pair += 8) {
        for (int i = 0; i < 8; i++) {
            product &= pair[i];
        }
    }
    for (; count >= 2; count -= 2) {
        product &= *pair++;
    }
    return single & product[0] & product[1] & (count > 0 ? *(const uint64_t *)pair : ~0UL);
}

// How many entries of one table lie whole in `count` pages from `address` on, the first one included.
static uint64_t whole_entries(uint64_t address, int level, uint64_t count) {
    uint64_t pages = pages_of(level), room = 512 - index_of(address, level);
    if ((address >> 12 & (pages - 1)) != 0) {
        return 0;
    }
    return count / pages < room ? count / pages : room;
}

// How many of `whole` entries, from the first on, are sound leaves: all, or else the first alone, or none.
static uint64_t sound_leaves(access_t *access, const uint64_t *entries, int level, uint64_t whole) {
    if (whole == 0) {
        return 0;
    }
    uint64_t any = entries_or(entries, whole), all = entries_and(entries, whole);
    if ((all & LEAF_BITS(level)) != LEAF_BITS(level) || entry_is_malformed(access, any, level)) {
        any = *entries;
        whole = 1;
        if ((any & LEAF_BITS(level)) != LEAF_BITS(level) || entry_is_malformed(access, any, level)) {
            return 0;
        }
    }
    access->any_global |= (any & ENTRY_GLOBAL) != 0;
    return whole;
}

static int refuse(access_t *access, int code, int level, uint64_t address, uint64_t entry) {
    access->level = level;
    access->page = address >> 12;
    access->entry = entry;
    return code;
}

static int refusal_of(access_t *access, const leaves_t *leaves, int level, uint64_t address, uint64_t entry) {
    if (!(entry & ENTRY_PRESENT)) {
        return refuse(access, REFUSED_NOT_MAPPED, level, address, entry);
    }
    if (entry_is_malformed(access, entry, level)) {
        return refuse(access, REFUSED_MALFORMED, level, address, entry);
    }
    if (is_leaf(entry, level)) {
        return refuse(access, REFUSED_PARENT_HUGE, level, address, entry);
    }
    return level == leaves->smallest ? refuse(access, REFUSED_SMALLER_PAGES, level, address, entry) : 0;
}

static int check_table(access_t *access, const leaves_t *leaves, int level, uint64_t *table, uint64_t address, uint64_t count) {
    while (count > 0) {
        uint64_t pages = pages_of(level), *place = table + index_of(address, level), done;
        uint64_t whole = level <= leaves->largest && level >= leaves->smallest ? whole_entries(address, level, count) : 0;
        uint64_t sound = sound_leaves(access, place, level, whole);
        if (sound > 0) {
            access->count += sound;
            done = sound * pages;
        } else {
            int code = refusal_of(access, leaves, level, address, *place);
            if (code != 0) {
                return code;
            }
            done = pages - (address >> 12 & (pages - 1));
            done = done < count ? done : count;
            code = check_table(access, leaves, level - 1, access_table(access, level - 1, *place & ENTRY_FRAME, address), address, done);
            if (code != 0) {
                return code;
            }
        }
        address += done << 12;
        count -= done;
    }
    return 0;
}

// Leaves .count (how many leaves there are) and .any_global in the access.
int run_check(access_t *access, const leaves_t *leaves) {
    access->count = 0;
    access->any_global = false;
    return check_table(access, leaves, TABLE_LEVELS, access_root(access), leaves->address, leaves->count);
}

static void clear_entries(uint64_t *entries, uint64_t count) {
    if (count < CLEAR_BY_LOOP_BELOW) {
        while (count-- > 0) {
            *entries++ = 0;
        }
    } else {
        table_fill_zero(entries, count);
    }
}

static void update_entries(uint64_t *entries, uint64_t count, uint64_t keep, uint64_t set) {
    for (; count >= 4; count -= 4, entries += 4) {
        entries[0] = (entries[0] & keep) | set;
        entries[1] = (entries[1] & keep) | set;
        entries[2] = (entries[2] & keep) | set;
        entries[3] = (entries[3] & keep) | set;
    }
    while (count-- > 0) {
        *entries = (*entries & keep) | set;
        entries++;
    }
}

// `keep` has no HUGE bit: at level 1 it would be PAT, above it is in `set`.
static void change_leaves(const leaves_t *leaves, bool clear, int level, uint64_t *entries, uint64_t count) {
    if (clear) {
        clear_entries(entries, count);
        return;
    }
    uint64_t keep = leaf_address_mask(level) | entry_flags_of(leaves->keep & ~(WORD_HUGE | WORD_PAT), level, false);
    if (leaves->keep & WORD_PAT) {
        keep |= level == 1 ? ENTRY_HUGE : ENTRY_HUGE_PAT;
    }
    update_entries(entries, count, keep, entry_flags_of(leaves->set, level, true));
}

static uint64_t leaves_in_a_row(const uint64_t *entries, int level, uint64_t whole) {
    uint64_t count = level == 1 ? whole : 0;
    while (count < whole && (entries[count] & LEAF_BITS(level)) == LEAF_BITS(level)) {
        count++;
    }
    return count;
}

static void change_table(access_t *access, const leaves_t *leaves, bool clear, int level, uint64_t *table, uint64_t address, uint64_t count) {
    while (count > 0) {
        uint64_t pages = pages_of(level), *place = table + index_of(address, level), done;
        uint64_t whole = leaves_in_a_row(place, level, level < TABLE_LEVELS ? whole_entries(address, level, count) : 0);
        if (whole > 0) {
            change_leaves(leaves, clear, level, place, whole);
            done = whole * pages;
        } else {
            done = pages - (address >> 12 & (pages - 1));
            done = done < count ? done : count;
            change_table(access, leaves, clear, level - 1, access_table(access, level - 1, *place & ENTRY_FRAME, address), address, done);
        }
        address += done << 12;
        count -= done;
    }
}

void run_clear(access_t *access, const leaves_t *leaves) {
    change_table(access, leaves, true, TABLE_LEVELS, access_root(access), leaves->address, leaves->count);
}

void run_update(access_t *access, const leaves_t *leaves) {
    change_table(access, leaves, false, TABLE_LEVELS, access_root(access), leaves->address, leaves->count);
}

#define CHUNK 16
#define SAME_RUN (~(ENTRY_ACCESSED | ENTRY_DIRTY))

// Sixteen entries at an even index that go on from `expected` in steps?
static bool chunk_goes_on(const uint64_t *entries, uint64_t expected, uint64_t step) {
    const entry_pair_t *pair = (const entry_pair_t *)entries;
    entry_pair_t wanted = { expected, expected + step }, two_steps = { 2 * step, 2 * step }, difference = { 0, 0 };
    for (int i = 0; i < CHUNK / 2; i++) {
        difference |= pair[i] ^ wanted;
        wanted += two_steps;
    }
    return ((difference[0] | difference[1]) & SAME_RUN) == 0;
}

// Entries of one table that go on as `expected` began: each next frame, the same flags but for ACCESSED and DIRTY.
static uint64_t contiguous_leaves(const uint64_t *entries, uint64_t expected, uint64_t step, uint64_t count) {
    uint64_t n = 0;
    while (n < count) {
        if (((uintptr_t)(entries + n) & 15) == 0 && count - n >= CHUNK && chunk_goes_on(entries + n, expected, step)) {
            n += CHUNK;
            expected += CHUNK * step;
        } else if (((entries[n] ^ expected) & SAME_RUN) == 0) {
            n++;
            expected += step;
        } else {
            break;
        }
    }
    return n;
}

static uint64_t holes(const uint64_t *entries, uint64_t count) {
    uint64_t n = 0;
    while (n < count && !(entries[n] & ENTRY_PRESENT)) {
        n++;
    }
    return n;
}

// The run that begins at `address`: pages with one page size, successive frames and the same rights, or a run of pages
// that are not mapped. Leaves .page, .entry (of its first page), .level, .effective and .count (pages of 4 KiB).
int run_next(access_t *access, uint64_t address, uint64_t count) {
    uint64_t *place = access_walk(access, address, 1), first = access->entry, done = 0;
    int first_level = access->level;
    uint32_t effective = access->effective;
    bool mapped = first & ENTRY_PRESENT;
    if (mapped && entry_is_malformed(access, first, first_level)) {
        return REFUSED_MALFORMED;
    }
    uint64_t step = mapped ? pages_of(first_level) << 12 : 0, expected = first;
    while (done < count) {
        int level = access->level;
        uint64_t pages = pages_of(level), inside = address >> 12 & (pages - 1), room = 512 - index_of(address, level);
        uint64_t wanted = (count - done + inside + pages - 1) / pages;
        wanted = wanted < room ? wanted : room;
        uint64_t found = mapped ? contiguous_leaves(place, expected, step, wanted) : holes(place, wanted);
        done += found * pages - inside;
        address += (found * pages - inside) << 12;
        expected += found * step;
        if (found < wanted || done >= count || address == 0 || address == 1UL << 47) {
            break;
        }
        place = access_walk(access, address, 1);
        bool goes_on = (access->entry & ENTRY_PRESENT) == (mapped ? ENTRY_PRESENT : 0)
            && (!mapped || (access->level == first_level && access->effective == effective));
        if (!goes_on) {
            break;
        }
    }
    access->count = done < count ? done : count;
    access->entry = first;
    access->level = first_level;
    access->effective = effective;
    return 0;
}

// One invlpg for each leaf of `pages` pages in the run.
uint64_t run_invalidate(uint64_t address, uint64_t count, uint64_t pages) {
    uint64_t invalidated = 0;
    for (uint64_t done = 0; done < count; done += pages, invalidated++) {
        page_invalidate(address + (done << 12));
    }
    return invalidated;
}
