// Making mappings and taking empty tables away. First everything is checked and the missing tables are counted, then
// one commit that can't fail uses the frames that were handed in for them.
#include "port/runtime/natives.h"
#include "port/modules/tables.h"
#include "port/boot/image.h"

void number_list_reserve(number_list_t *list, size_t more) {
    if (list->count + more > list->capacity) {
        size_t capacity = (list->count + more) * 2;
        list->items = m_renew(uint64_t, list->items, list->capacity, capacity);
        list->capacity = capacity;
    }
}

// How many entries of a table at `level`, from the one for `address` on, may be leaves of this mapping: 0 when the page
// size is not wanted or one of the two sides is not aligned to it.
static uint64_t possible_leaves(const mapping_t *mapping, int level, uint64_t address, uint64_t frame, uint64_t count) {
    uint64_t pages = pages_of(level), room = 512 - index_of(address, level);
    if (level > mapping->largest || level < mapping->smallest || ((address | frame) & ((pages << 12) - 1)) != 0) {
        return 0;
    }
    return count / pages < room ? count / pages : room;
}

static int refuse(access_t *access, int code, int level, uint64_t address, uint64_t entry) {
    access->level = level;
    access->page = address >> 12;
    access->entry = entry;
    return code;
}

static int refusal_of(access_t *access, const mapping_t *mapping, int level, bool leaf_wanted, uint64_t address, uint64_t entry) {
    int code = 0;
    if (!(entry & ENTRY_PRESENT)) {
        code = leaf_wanted ? REFUSED_STALE_ENTRY : REFUSED_STALE_PARENT;
    } else if (entry_is_malformed(access, entry, level)) {
        code = REFUSED_MALFORMED;
    } else if (is_leaf(entry, level)) {
        code = leaf_wanted ? REFUSED_ALREADY_MAPPED : REFUSED_PARENT_HUGE;
    } else if (leaf_wanted && level == mapping->smallest) {
        code = REFUSED_TABLE_IN_THE_WAY;
    }
    return refuse(access, code, level, address, entry);
}

// `table` is NULL where there is none yet. `count` never leads out of the table.
static int check_table(access_t *access, const mapping_t *mapping, size_t *needed, int level, const uint64_t *table,
    uint64_t address, uint64_t frame, uint64_t count) {
    while (count > 0) {
        uint64_t pages = pages_of(level), index = index_of(address, level);
        uint64_t possible = possible_leaves(mapping, level, address, frame, count);
        uint64_t done = possible * pages;
        if (possible == 0 || (table != NULL && entries_or(table + index, possible) != 0)) {
            uint64_t entry = table != NULL ? table[index] : 0;
            int code = entry != 0 ? refusal_of(access, mapping, level, possible > 0, address, entry) : 0;
            if (code != 0) {
                return code;
            }
            done = pages - (address >> 12 & (pages - 1));
            done = done < count ? done : count;
            if (possible == 0 || entry != 0) {
                const uint64_t *below = NULL;
                if (entry != 0) {
                    below = access_table(access, level - 1, entry & ENTRY_FRAME, address);
                } else {
                    ++*needed;
                }
                code = level > 1 ? check_table(access, mapping, needed, level - 1, below, address, frame, done) : 0;
                if (code != 0) {
                    return code;
                }
            }
        }
        address += done << 12;
        frame += done << 12;
        count -= done;
    }
    return 0;
}

int map_check(access_t *access, const mapping_t *mapping, size_t *needed) {
    *needed = 0;
    int code = check_table(access, mapping, needed, TABLE_LEVELS, access_root(access), mapping->address, mapping->frame, mapping->count);
    if (code == 0 && *needed <= access->spare.count) {
        for (size_t i = 0; i < *needed; i++) {
            access_foresee(access, access->spare.items[access->spare.count - 1 - i] << 12);
        }
    }
    return code;
}

static void fill_leaves(uint64_t *entries, uint64_t entry, uint64_t step, uint64_t count) {
    for (; count >= 4; count -= 4, entries += 4) {
        entries[0] = entry;
        entries[1] = entry + step;
        entries[2] = entry + 2 * step;
        entries[3] = entry + 3 * step;
        entry += 4 * step;
    }
    for (; count > 0; count--) {
        *entries++ = entry;
        entry += step;
    }
}

static uint64_t unused_in_a_row(const uint64_t *entries, int level, uint64_t count) {
    uint64_t n = level == 1 || entries_or(entries, count) == 0 ? count : 0;
    while (n < count && entries[n] == 0) {
        n++;
    }
    return n;
}

static void commit_table(access_t *access, const mapping_t *mapping, int level, uint64_t *table, uint64_t address, uint64_t frame, uint64_t count);

// A new table is linked when it is whole: cleared, unless all of it gets filled, then filled, then linked. Through a
// recursive slot it can be seen only after it is linked: there it is cleared, linked, filled.
static void commit_new_table(access_t *access, const mapping_t *mapping, int level, uint64_t *place, uint64_t address, uint64_t frame, uint64_t count) {
    uint64_t new_frame = access->spare.items[--access->spare.count] << 12;
    uint64_t value = new_frame | entry_flags_of(mapping->parent_word, level, false);
    if (access->kind == REACH_RECURSIVE) {
        access_link_recursive(access, place, value, level - 1, address);
        commit_table(access, mapping, level - 1, access_table(access, level - 1, new_frame, address), address, frame, count);
        return;
    }
    uint64_t *below = access_table(access, level - 1, new_frame, address);
    if (possible_leaves(mapping, level - 1, address, frame, count) == 512) {
        fill_leaves(below, frame | entry_flags_of(mapping->word, level - 1, true), pages_of(level - 1) << 12, 512);
    } else {
        table_fill_zero(below, 512);
        commit_table(access, mapping, level - 1, below, address, frame, count);
    }
    *place = value;
}

static void widen_parent(access_t *access, const mapping_t *mapping, int level, uint64_t *place) {
    uint64_t value = *place | entry_flags_of(mapping->parent_word, level, false);
    if (mapping->widen_parents && value != *place) {
        *place = value;
        access->parents_changed = true;
    }
}

static void commit_table(access_t *access, const mapping_t *mapping, int level, uint64_t *table, uint64_t address, uint64_t frame, uint64_t count) {
    while (count > 0) {
        uint64_t pages = pages_of(level), *place = table + index_of(address, level), done;
        uint64_t possible = unused_in_a_row(place, level, possible_leaves(mapping, level, address, frame, count));
        if (possible > 0) {
            fill_leaves(place, frame | entry_flags_of(mapping->word, level, true), pages << 12, possible);
            done = possible * pages;
        } else {
            done = pages - (address >> 12 & (pages - 1));
            done = done < count ? done : count;
            if (*place == 0) {
                commit_new_table(access, mapping, level, place, address, frame, done);
            } else {
                widen_parent(access, mapping, level, place);
                commit_table(access, mapping, level - 1, access_table(access, level - 1, *place & ENTRY_FRAME, address), address, frame, done);
            }
        }
        address += done << 12;
        frame += done << 12;
        count -= done;
    }
}

// The commonest case, in one walk: a page of one size where all tables exist. Answers whether it was that.
bool map_one(access_t *access, const mapping_t *mapping) {
    if (mapping->smallest != mapping->largest || mapping->count != pages_of(mapping->smallest) || mapping->widen_parents) {
        return false;
    }
    uint64_t *place = access_walk(access, mapping->address, mapping->smallest);
    if (access->level != mapping->smallest || access->entry != 0) {
        return false;
    }
    *place = mapping->frame | entry_flags_of(mapping->word, mapping->smallest, true);
    return true;
}

void map_commit(access_t *access, const mapping_t *mapping) {
    commit_table(access, mapping, TABLE_LEVELS, access_root(access), mapping->address, mapping->frame, mapping->count);
}

// The boot's static tables lie in the image: no allocator can take them.
static bool is_static_table(uint64_t entry) {
    uint64_t frame = entry & ENTRY_FRAME;
    return (uint64_t)__image_start <= frame && frame < (uint64_t)__image_end;
}

// The system's own root slots are not entered, and the root is not, through a recursive slot.
static bool is_kept(access_t *access, int level, uint64_t address, uint64_t entry) {
    if (level != TABLE_LEVELS) {
        return false;
    }
    address = (uint64_t)((int64_t)(address << 16) >> 16);
    uint64_t first = address & ~((pages_of(TABLE_LEVELS) << 12) - 1), last = first + (pages_of(TABLE_LEVELS) << 12) - 1;
    for (size_t i = 0; i < access->protected_count; i++) {
        if (access->protected[i].first <= first && last <= access->protected[i].last) {
            return true;
        }
    }
    return (entry & ENTRY_FRAME) == access->root;
}

static uint64_t last_of_entry(uint64_t address, int level) {
    return address | ((pages_of(level) << 12) - 1);
}

static uint64_t tables_below(access_t *access, int level, const uint64_t *table, uint64_t first, uint64_t last) {
    uint64_t count = 0;
    for (uint64_t address = first;; address = last_of_entry(address, level) + 1) {
        uint64_t index = index_of(address, level), end = last_of_entry(address, level), entry = table[index];
        if ((entry & ENTRY_PRESENT) && !is_leaf(entry, level) && !entry_is_malformed(access, entry, level) && !is_kept(access, level, address, entry)) {
            count++;
            if (level > 2) {
                count += tables_below(access, level - 1, access_table(access, level - 1, entry & ENTRY_FRAME, address), address, end < last ? end : last);
            }
        }
        if (end >= last) {
            return count;
        }
    }
}

// Frees the empty tables below `table`, children first; answers whether `table` itself is empty then.
static bool clean_table(access_t *access, int level, uint64_t *table, uint64_t first, uint64_t last) {
    if (level == 1) {
        return entries_or(table, 512) == 0;
    }
    for (uint64_t address = first;; address = last_of_entry(address, level) + 1) {
        uint64_t index = index_of(address, level), end = last_of_entry(address, level), entry = table[index];
        if ((entry & ENTRY_PRESENT) && !is_leaf(entry, level) && !entry_is_malformed(access, entry, level) && !is_kept(access, level, address, entry)) {
            uint64_t *below = access_table(access, level - 1, entry & ENTRY_FRAME, address);
            bool empty = clean_table(access, level - 1, below, address, end < last ? end : last);
            if (empty && !is_static_table(entry) && (level < TABLE_LEVELS || index < access->shared_from)) {
                table[index] = 0;
                access->freed.items[access->freed.count++] = (entry & ENTRY_FRAME) >> 12;
            }
        }
        if (end >= last) {
            return entries_or(table, 512) == 0;
        }
    }
}

// Unlinks every empty table in the way of the addresses `first` to `last`; their frames are in access->freed.
// Counted in 48 bits, where the canonical hole has no width.
void map_clean_up(access_t *access, uint64_t first, uint64_t last) {
    first &= 0xffffffffffff;
    last &= 0xffffffffffff;
    number_list_reserve(&access->freed, tables_below(access, TABLE_LEVELS, access_root(access), first, last));
    clean_table(access, TABLE_LEVELS, access_root(access), first, last);
}
