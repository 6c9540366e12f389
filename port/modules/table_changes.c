// The methods of `Access` that change tables. Contracts: port/typings/_tables.pyi. Each checks everything first, and does
// nothing when it refuses.
#include <string.h>
#include "port/modules/table_arguments.h"
#include "port/hardware/cpu.h"

static bool is_level(uint64_t smallest, uint64_t largest) {
    return smallest >= 1 && smallest <= largest && largest < TABLE_LEVELS;
}

static void get_levels(mp_obj_t smallest_in, mp_obj_t largest_in, int *smallest, int *largest) {
    *smallest = get_below(smallest_in, TABLE_LEVELS, "smallest level");
    *largest = get_below(largest_in, TABLE_LEVELS, "largest level");
    if (!is_level(*smallest, *largest)) {
        mp_raise_ValueError(MP_ERROR_TEXT("levels of pages are 1 to 3, the smallest first"));
    }
}

// Whole pages of the smallest wanted size only.
static bool is_aligned(uint64_t address, uint64_t count, int smallest) {
    return (((address >> 12) | count) & (pages_of(smallest) - 1)) == 0;
}

static mp_obj_t perform_request(access_t *access) {
    const mapping_t *mapping = &access->request;
    size_t needed = 0;
    access->parents_changed = false;
    int code = access_check_protected(access, mapping->address, mapping->count);
    code = code != 0 ? code : access_begin(access, true);
    if (code == 0 && !map_one(access, mapping)) {
        code = map_check(access, mapping, &needed);
        if (code == 0 && needed > access->spare.count) {
            code = needed - access->spare.count;
        } else if (code == 0) {
            map_commit(access, mapping);
        }
    }
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(code);
}

// map(page, frame, count, word, smallest, largest, parent_word): 0, a refusal, or how many table frames are missing.
// A parent_word of -1 leaves existing parents alone and derives the new ones' flags.
static mp_obj_t access_map(size_t count, const mp_obj_t *arguments) {
    access_t *access = get_access(arguments[0]);
    mapping_t mapping;
    mapping.address = get_page(arguments[1]);
    mapping.frame = get_below(arguments[2], 1UL << (cpu_features.physical_bits - 12), "frame number") << 12;
    mapping.count = table_get_count(arguments[3], mapping.address);
    mapping.word = get_below(arguments[4], 1UL << 32, "flag word");
    get_levels(arguments[5], arguments[6], &mapping.smallest, &mapping.largest);
    mapping.widen_parents = arguments[7] != MP_OBJ_NEW_SMALL_INT(-1);
    mapping.parent_word = mapping.widen_parents ? get_below(arguments[7], 1UL << 32, "flag word") | WORD_PRESENT
        : WORD_PRESENT | WORD_WRITABLE | (mapping.word & WORD_USER);
    if (((mapping.frame >> 12) + mapping.count - 1) >> (cpu_features.physical_bits - 12) != 0) {
        return MP_OBJ_NEW_SMALL_INT(REFUSED_OUT_OF_RANGE);
    }
    bool bad_word = !(mapping.word & WORD_PRESENT) || mapping.word >= WORD_LIMIT || mapping.parent_word >= WORD_PAT
        || (mapping.parent_word & WORD_HUGE) || (mapping.smallest == 1 && mapping.word & WORD_HUGE)
        || ((access->reserved & ENTRY_NO_EXECUTE) && (mapping.word | mapping.parent_word) & WORD_NO_EXECUTE);
    if (bad_word) {
        return MP_OBJ_NEW_SMALL_INT(REFUSED_FLAGS);
    }
    if (!is_aligned(mapping.address | mapping.frame, mapping.count, mapping.smallest)) {
        return MP_OBJ_NEW_SMALL_INT(REFUSED_MISALIGNED);
    }
    if (mapping.largest == 3 && !access->gigabyte_pages) {
        mapping.largest = 2;
        if (mapping.smallest == 3) {
            return MP_OBJ_NEW_SMALL_INT(REFUSED_FLAGS);
        }
    }
    access->request = mapping;
    return perform_request(access);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_map_obj, 8, 8, access_map);

// map_again(page, count): the map() before, which was for these, after frames for its tables were handed in.
static mp_obj_t access_map_again(mp_obj_t self_in, mp_obj_t page, mp_obj_t count) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page);
    if (access->request.address != address || access->request.count != table_get_count(count, address)) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the frame allocator has mapped something with this mapper"));
    }
    return perform_request(access);
}
MP_DEFINE_CONST_FUN_OBJ_3(access_map_again_obj, access_map_again);

// map_page(page, frame, word): map() of one 4 KiB page that leaves parents alone.
static mp_obj_t access_map_page(size_t count, const mp_obj_t *arguments) {
    access_t *access = get_access(arguments[0]);
    uint64_t address = get_page(arguments[1]);
    uint64_t frame = get_below(arguments[2], 1UL << (cpu_features.physical_bits - 12), "frame number") << 12;
    uint32_t word = get_below(arguments[3], 1UL << 32, "flag word");
    bool usual = (word & (WORD_PRESENT | WORD_HUGE)) == WORD_PRESENT && word < WORD_LIMIT && access->kind == REACH_OFFSET
        && !(access->reserved & ENTRY_NO_EXECUTE) && address < access->protected_lowest;
    if (usual) {
        uint64_t *place = access_walk(access, address, 1);
        if (access->level == 1 && access->entry == 0) {
            *place = frame | entry_flags_of(word, 1, true);
            return MP_OBJ_NEW_SMALL_INT(0);
        }
    }
    const mp_obj_t all[] = {
        arguments[0], arguments[1], arguments[2], MP_OBJ_NEW_SMALL_INT(1), arguments[3], MP_OBJ_NEW_SMALL_INT(1),
        MP_OBJ_NEW_SMALL_INT(1), MP_OBJ_NEW_SMALL_INT(-1),
    };
    return access_map(MP_ARRAY_SIZE(all), all);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_map_page_obj, 4, 4, access_map_page);

static int get_leaves(access_t *access, const mp_obj_t *arguments, leaves_t *leaves) {
    leaves->address = get_page(arguments[1]);
    leaves->count = table_get_count(arguments[2], leaves->address);
    get_levels(arguments[3], arguments[4], &leaves->smallest, &leaves->largest);
    if (!is_aligned(leaves->address, leaves->count, leaves->smallest)) {
        return REFUSED_MISALIGNED;
    }
    int code = access_check_protected(access, leaves->address, leaves->count);
    code = code != 0 ? code : access_begin(access, true);
    return code != 0 ? code : run_check(access, leaves);
}

// check(page, count, smallest, largest): 0 when all of it is mapped; .count leaves, .any_global.
static mp_obj_t access_check(size_t count, const mp_obj_t *arguments) {
    access_t *access = get_access(arguments[0]);
    leaves_t leaves;
    int code = get_leaves(access, arguments, &leaves);
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(code);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_check_obj, 5, 5, access_check);

// unmap(page, count, smallest, largest): 0 or a refusal.
static mp_obj_t access_unmap(size_t count, const mp_obj_t *arguments) {
    access_t *access = get_access(arguments[0]);
    leaves_t leaves;
    int code = get_leaves(access, arguments, &leaves);
    if (code == 0) {
        run_clear(access, &leaves);
    }
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(code);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_unmap_obj, 5, 5, access_unmap);

// update(page, count, smallest, largest, keep, set): 0 or a refusal.
static mp_obj_t access_update(size_t count, const mp_obj_t *arguments) {
    access_t *access = get_access(arguments[0]);
    leaves_t leaves;
    leaves.keep = get_below(arguments[5], WORD_LIMIT, "flag word");
    leaves.set = get_below(arguments[6], 1UL << 32, "flag word");
    int code = get_leaves(access, arguments, &leaves);
    if (code == 0 && (leaves.set >= WORD_LIMIT || (leaves.smallest == 1 && leaves.set & WORD_HUGE)
        || ((access->reserved & ENTRY_NO_EXECUTE) && leaves.set & WORD_NO_EXECUTE))) {
        code = REFUSED_FLAGS;
    }
    if (code == 0) {
        run_update(access, &leaves);
    }
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(code);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_update_obj, 7, 7, access_update);

// clear(page): take away an entry that is not present but not zero either; its frame field, or a refusal.
static mp_obj_t access_clear(mp_obj_t self_in, mp_obj_t page, mp_obj_t level_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page);
    int level = get_below(level_in, TABLE_LEVELS, "level"), code = access_check_protected(access, address, pages_of(level));
    code = code != 0 ? code : access_begin(access, true);
    if (code == 0) {
        uint64_t *place = access_walk(access, address, level);
        if (access->level != level) {
            code = access->entry & ENTRY_PRESENT ? REFUSED_PARENT_HUGE : access->entry ? REFUSED_STALE_PARENT : REFUSED_NOT_MAPPED;
        } else if (access->entry & ENTRY_PRESENT) {
            code = is_leaf(access->entry, level) ? REFUSED_ALREADY_MAPPED : REFUSED_TABLE_IN_THE_WAY;
        } else {
            *place = 0;
        }
    }
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(code != 0 ? code : (mp_int_t)((access->entry & ENTRY_FRAME) >> 12));
}
MP_DEFINE_CONST_FUN_OBJ_3(access_clear_obj, access_clear);

// set_parent(page, level, word): 0 or a refusal.
static mp_obj_t access_set_parent(size_t count, const mp_obj_t *arguments) {
    access_t *access = get_access(arguments[0]);
    uint64_t address = get_page(arguments[1]);
    int level = get_below(arguments[2], TABLE_LEVELS + 1, "level");
    uint32_t word = get_below(arguments[3], 1UL << 32, "flag word");
    if (level < 2 || !(word & WORD_PRESENT) || word & WORD_HUGE || word >= WORD_PAT) {
        return MP_OBJ_NEW_SMALL_INT(REFUSED_FLAGS);
    }
    int code = access_check_protected(access, address & ~((pages_of(level) << 12) - 1), pages_of(level));
    code = code != 0 ? code : access_begin(access, true);
    if (code == 0) {
        uint64_t *place = access_walk(access, address, level);
        if (!(access->entry & ENTRY_PRESENT)) {
            code = REFUSED_NOT_MAPPED;
        } else if (entry_is_malformed(access, access->entry, access->level)) {
            code = REFUSED_MALFORMED;
        } else if (is_leaf(access->entry, access->level)) {
            code = REFUSED_PARENT_HUGE;
        } else {
            *place = (*place & ENTRY_FRAME) | entry_flags_of(word, level, false);
        }
    }
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(code);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_set_parent_obj, 4, 4, access_set_parent);

// clean_up(first_page, last_page): how many tables were unlinked; take_freed() gives their frames in that order.
static mp_obj_t access_clean_up(mp_obj_t self_in, mp_obj_t first, mp_obj_t last) {
    access_t *access = get_access(self_in);
    uint64_t from = get_page(first), to = get_page(last) | 0xfff;
    size_t before = access->freed.count;
    access_require_reachable(access, true);
    if (from <= to) {
        map_clean_up(access, from, to);
    }
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(access->freed.count - before);
}
MP_DEFINE_CONST_FUN_OBJ_3(access_clean_up_obj, access_clean_up);

// Take the next run of freed frames, oldest first: its first frame, .count frames; -1 when there is none left.
static mp_obj_t access_freed_run(mp_obj_t self_in) {
    access_t *access = get_access(self_in);
    if (access->freed_taken == access->freed.count) {
        access->freed.count = access->freed_taken = 0;
        return MP_OBJ_NEW_SMALL_INT(-1);
    }
    const uint64_t *items = access->freed.items + access->freed_taken;
    uint64_t left = access->freed.count - access->freed_taken, n = 1;
    while (n < left && items[n] == items[0] + n) {
        n++;
    }
    access->freed_taken += n;
    access->count = n;
    return MP_OBJ_NEW_SMALL_INT(items[0]);
}
MP_DEFINE_CONST_FUN_OBJ_1(access_freed_run_obj, access_freed_run);

// Hand frames in for tables to come, the first of the run to be used first, and get one back (-1: none).
static mp_obj_t access_give(mp_obj_t self_in, mp_obj_t frame, mp_obj_t count_in) {
    access_t *access = get_access(self_in);
    uint64_t first = native_get_frame(frame) >> 12, count = get_below(count_in, 1UL << 32, "count");
    number_list_reserve(&access->spare, count);
    number_list_t *spare = &access->spare;
    memmove(spare->items + count, spare->items, spare->count * sizeof(uint64_t));
    for (uint64_t i = 0; i < count; i++) {
        spare->items[i] = first + count - 1 - i;
    }
    spare->count += count;
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_3(access_give_obj, access_give);

static mp_obj_t access_take(mp_obj_t self_in) {
    number_list_t *spare = &get_access(self_in)->spare;
    return MP_OBJ_NEW_SMALL_INT(spare->count == 0 ? -1 : (mp_int_t)spare->items[--spare->count]);
}
MP_DEFINE_CONST_FUN_OBJ_1(access_take_obj, access_take);

// protect(first_page, last_page): nothing in there can be changed through this object any more; its index.
static mp_obj_t access_protect(mp_obj_t self_in, mp_obj_t first, mp_obj_t last) {
    access_t *access = get_access(self_in);
    page_span_t span = { get_page(first), get_page(last) | 0xfff };
    access->protected = m_renew(page_span_t, access->protected, access->protected_count, access->protected_count + 1);
    access->protected[access->protected_count] = span;
    access->protected_lowest = span.first < access->protected_lowest ? span.first : access->protected_lowest;
    return MP_OBJ_NEW_SMALL_INT(access->protected_count++);
}
MP_DEFINE_CONST_FUN_OBJ_3(access_protect_obj, access_protect);

// Level-3 tables below root entries from `index` on are shared with other roots and never freed.
static mp_obj_t access_share_from(mp_obj_t self_in, mp_obj_t index) {
    get_access(self_in)->shared_from = get_below(index, 513, "index");
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(access_share_from_obj, access_share_from);
