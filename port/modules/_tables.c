// `_tables`: entries by (page where the table can be seen, index), and `Access`, which walks and changes whole runs of
// pages. Contracts: port/typings/_tables.pyi. Numbers in, small ints out; refusals are negative, details are attributes.
#include <string.h>
#include "port/modules/natives.h"
#include "port/modules/tables.h"
#include "port/machine_control.h"

#define EFER 0xc0000080
#define EFER_NXE (1UL << 11)
#define MOST_PAGES (1UL << 36)

static const mp_obj_type_t access_type;

static access_t *get_access(mp_obj_t self_in) {
    return MP_OBJ_TO_PTR(self_in);
}

static uint64_t reserved_bits(void) {
    uint64_t no_execute = msr_read(EFER) & EFER_NXE ? 0 : ENTRY_NO_EXECUTE;
    return (ENTRY_FRAME & ~((1UL << cpu_features.physical_bits) - 1)) | no_execute;
}

// The conversions of natives.h, quicker for what nearly every call brings: small ints in range.
static inline uint64_t get_page(mp_obj_t number) {
    uint64_t address = (uint64_t)MP_OBJ_SMALL_INT_VALUE(number) << 12;
    if (mp_obj_is_small_int(number) && (uint64_t)MP_OBJ_SMALL_INT_VALUE(number) >> 52 == 0
        && (uint64_t)((int64_t)(address << 16) >> 16) == address) {
        return address;
    }
    return native_get_page(number);
}

static inline uint64_t get_below(mp_obj_t value, uint64_t limit, const char *what) {
    if (mp_obj_is_small_int(value) && (uint64_t)MP_OBJ_SMALL_INT_VALUE(value) < limit) {
        return MP_OBJ_SMALL_INT_VALUE(value);
    }
    return native_get_below(value, limit, what);
}

// Access(kind, reach, root_frame, frame_to_page, describer)
static mp_obj_t access_make_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *arguments) {
    mp_arg_check_num(count, keywords, 5, 5, false);
    uint64_t kind = native_get_below(arguments[0], REACH_KINDS, "kind");
    uint64_t reach = kind == REACH_RECURSIVE ? native_get_below(arguments[1], 512, "slot") : native_get_page(arguments[1]);
    uint64_t root = native_get_frame(arguments[2]);
    access_t *access = mp_obj_malloc(access_t, type);
    memset((char *)access + sizeof access->base, 0, sizeof *access - sizeof access->base);
    access->kind = kind;
    access->reach = reach;
    access->root = root;
    access->frame_to_page = arguments[3];
    access->describer = arguments[4];
    access->reserved = reserved_bits();
    access->gigabyte_pages = cpu_features.gigabyte_pages;
    access->shared_from = 512;
    access->protected_lowest = ~0UL;
    return MP_OBJ_FROM_PTR(access);
}

static void require_reachable(access_t *access) {
    if (access_begin(access) != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the recursive slot does not lead to this table"));
    }
}

static uint64_t get_count(mp_obj_t count, uint64_t address) {
    uint64_t pages = get_below(count, MOST_PAGES + 1, "count");
    uint64_t end = (address & 0x7fffffffffff) + (pages << 12);
    if (pages == 0 || end > 1UL << 47) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%r pages do not fit this half of the address space"), count);
    }
    return pages;
}

static mp_obj_t frame_of_leaf(const access_t *access, uint64_t address) {
    uint64_t mask = leaf_address_mask(access->level);
    return MP_OBJ_NEW_SMALL_INT(((access->entry & mask) | (address & ~mask & ENTRY_FRAME)) >> 12);
}

static mp_obj_t access_translate(mp_obj_t self_in, mp_obj_t page) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page);
    if (access->kind != REACH_OFFSET) {
        require_reachable(access);
    }
    access_walk(access, address, 1);
    access_end(access);
    if (!(access->entry & ENTRY_PRESENT)) {
        return MP_OBJ_NEW_SMALL_INT(REFUSED_NOT_MAPPED);
    }
    if (entry_is_malformed(access, access->entry, access->level)) {
        return MP_OBJ_NEW_SMALL_INT(REFUSED_MALFORMED);
    }
    return frame_of_leaf(access, address);
}
static MP_DEFINE_CONST_FUN_OBJ_2(access_translate_obj, access_translate);

// What an address led to at one moment. Numbers are its own; for anything typed it asks the access's describer, a
// Python function that makes an object of it.
typedef struct {
    mp_obj_base_t base;
    mp_obj_t describer;
    uint64_t physical;
    uint64_t word : 30, effective : 30, level : 4; // so that it fits one block of the heap, which is quick to get
} snapshot_t;
_Static_assert(sizeof(snapshot_t) <= 32, "a snapshot is longer than one block of the heap");

static void snapshot_attr(mp_obj_t self_in, qstr attribute, mp_obj_t *destination) {
    const snapshot_t *snapshot = MP_OBJ_TO_PTR(self_in);
    if (destination[0] != MP_OBJ_NULL) {
        return;
    }
    switch (attribute) {
        case MP_QSTR_physical: destination[0] = native_new_u64(snapshot->physical); break;
        case MP_QSTR_word: destination[0] = MP_OBJ_NEW_SMALL_INT(snapshot->word); break;
        case MP_QSTR_effective_word: destination[0] = MP_OBJ_NEW_SMALL_INT(snapshot->effective); break;
        case MP_QSTR_level: destination[0] = MP_OBJ_NEW_SMALL_INT(snapshot->level); break;
        default:
            mp_load_method_maybe(mp_call_function_1(snapshot->describer, self_in), attribute, destination);
    }
}

static void snapshot_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    const snapshot_t *snapshot = MP_OBJ_TO_PTR(self_in);
    mp_obj_print_helper(print, mp_call_function_1(snapshot->describer, self_in), kind);
}

static mp_obj_t snapshot_binary_op(mp_binary_op_t operation, mp_obj_t left, mp_obj_t right) {
    if (operation != MP_BINARY_OP_EQUAL) {
        return MP_OBJ_NULL;
    }
    const snapshot_t *a = MP_OBJ_TO_PTR(left), *b = MP_OBJ_TO_PTR(right);
    bool same = mp_obj_get_type(left) == mp_obj_get_type(right) && a->physical == b->physical && a->word == b->word
        && a->effective == b->effective && a->level == b->level;
    return mp_obj_new_bool(same);
}

static MP_DEFINE_CONST_OBJ_TYPE(snapshot_type, MP_QSTR_Mapped, MP_TYPE_FLAG_NONE, attr, snapshot_attr,
    print, snapshot_print, binary_op, snapshot_binary_op);

static bool walk_to_leaf(access_t *access, uint64_t address) {
    if (access->kind != REACH_OFFSET) {
        require_reachable(access);
    }
    access_walk(access, address, 1);
    access_end(access);
    return (access->entry & ENTRY_PRESENT) && !entry_is_malformed(access, access->entry, access->level);
}

static uint64_t physical_of(const access_t *access, uint64_t address) {
    uint64_t mask = leaf_address_mask(access->level);
    return (access->entry & mask) | (address & ~mask & 0x000fffffffffffff);
}

static uint64_t get_address(mp_obj_t value) {
    uint64_t address = native_get_u64(value);
    if ((uint64_t)((int64_t)(address << 16) >> 16) != address) {
        mp_raise_ValueError(MP_ERROR_TEXT("the address is not canonical"));
    }
    return address;
}

// physical(address): the physical address that a virtual address (bytes) leads to, or -1.
static mp_obj_t access_physical(mp_obj_t self_in, mp_obj_t address_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_address(address_in);
    return walk_to_leaf(access, address) ? native_new_u64(physical_of(access, address)) : MP_OBJ_NEW_SMALL_INT(-1);
}
static MP_DEFINE_CONST_FUN_OBJ_2(access_physical_obj, access_physical);

static uint32_t effective_word(const access_t *access) {
    uint32_t word = word_of(access->entry, access->level), rights = WORD_WRITABLE | WORD_USER;
    return (word & ~(rights & ~access->effective)) | (access->effective & WORD_NO_EXECUTE);
}

// find(address): a Mapped of what an address leads to, or None.
static mp_obj_t access_find(mp_obj_t self_in, mp_obj_t address_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_address(address_in);
    if (!walk_to_leaf(access, address)) {
        return mp_const_none;
    }
    snapshot_t *snapshot = mp_obj_malloc(snapshot_t, &snapshot_type);
    snapshot->describer = access->describer;
    snapshot->physical = physical_of(access, address);
    snapshot->word = word_of(access->entry, access->level);
    snapshot->effective = effective_word(access);
    snapshot->level = access->level;
    return MP_OBJ_FROM_PTR(snapshot);
}
static MP_DEFINE_CONST_FUN_OBJ_2(access_find_obj, access_find);

// The entry at `level`, as far as the way down to it exists: its frame number; flags and table in the attributes.
static mp_obj_t access_look(mp_obj_t self_in, mp_obj_t page, mp_obj_t level_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page);
    int level = get_below(level_in, TABLE_LEVELS + 1, "level");
    require_reachable(access);
    access_walk(access, address, level == 0 ? 1 : level);
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT((access->entry & ENTRY_FRAME) >> 12);
}
static MP_DEFINE_CONST_FUN_OBJ_3(access_look_obj, access_look);

static mp_obj_t access_next_run(mp_obj_t self_in, mp_obj_t page, mp_obj_t count_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page), count = get_count(count_in, address);
    require_reachable(access);
    int code = run_next(access, address, count);
    access_end(access);
    if (code != 0) {
        return MP_OBJ_NEW_SMALL_INT(code);
    }
    access->page = address >> 12;
    return access->entry & ENTRY_PRESENT ? frame_of_leaf(access, address) : MP_OBJ_NEW_SMALL_INT(REFUSED_NOT_MAPPED);
}
static MP_DEFINE_CONST_FUN_OBJ_3(access_next_run_obj, access_next_run);

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
    code = code != 0 ? code : access_begin(access);
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
    mapping.count = get_count(arguments[3], mapping.address);
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
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_map_obj, 8, 8, access_map);

// map_again(page, count): the map() before, which was for these, after frames for its tables were handed in.
static mp_obj_t access_map_again(mp_obj_t self_in, mp_obj_t page, mp_obj_t count) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page);
    if (access->request.address != address || access->request.count != get_count(count, address)) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the frame allocator has mapped something with this mapper"));
    }
    return perform_request(access);
}
static MP_DEFINE_CONST_FUN_OBJ_3(access_map_again_obj, access_map_again);

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
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_map_page_obj, 4, 4, access_map_page);

static int get_leaves(access_t *access, const mp_obj_t *arguments, leaves_t *leaves) {
    leaves->address = get_page(arguments[1]);
    leaves->count = get_count(arguments[2], leaves->address);
    get_levels(arguments[3], arguments[4], &leaves->smallest, &leaves->largest);
    if (!is_aligned(leaves->address, leaves->count, leaves->smallest)) {
        return REFUSED_MISALIGNED;
    }
    int code = access_check_protected(access, leaves->address, leaves->count);
    code = code != 0 ? code : access_begin(access);
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
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_check_obj, 5, 5, access_check);

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
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_unmap_obj, 5, 5, access_unmap);

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
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_update_obj, 7, 7, access_update);

// clear(page): take away an entry that is not present but not zero either; its frame field, or a refusal.
static mp_obj_t access_clear(mp_obj_t self_in, mp_obj_t page, mp_obj_t level_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page);
    int level = get_below(level_in, TABLE_LEVELS, "level"), code = access_check_protected(access, address, pages_of(level));
    code = code != 0 ? code : access_begin(access);
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
static MP_DEFINE_CONST_FUN_OBJ_3(access_clear_obj, access_clear);

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
    code = code != 0 ? code : access_begin(access);
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
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(access_set_parent_obj, 4, 4, access_set_parent);

// clean_up(first_page, last_page): how many tables were unlinked; take_freed() gives their frames in that order.
static mp_obj_t access_clean_up(mp_obj_t self_in, mp_obj_t first, mp_obj_t last) {
    access_t *access = get_access(self_in);
    uint64_t from = get_page(first), to = get_page(last) | 0xfff;
    size_t before = access->freed.count;
    require_reachable(access);
    if (from <= to) {
        map_clean_up(access, from, to);
    }
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT(access->freed.count - before);
}
static MP_DEFINE_CONST_FUN_OBJ_3(access_clean_up_obj, access_clean_up);

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
static MP_DEFINE_CONST_FUN_OBJ_1(access_freed_run_obj, access_freed_run);

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
static MP_DEFINE_CONST_FUN_OBJ_3(access_give_obj, access_give);

static mp_obj_t access_take(mp_obj_t self_in) {
    number_list_t *spare = &get_access(self_in)->spare;
    return MP_OBJ_NEW_SMALL_INT(spare->count == 0 ? -1 : (mp_int_t)spare->items[--spare->count]);
}
static MP_DEFINE_CONST_FUN_OBJ_1(access_take_obj, access_take);

// protect(first_page, last_page): nothing in there can be changed through this object any more; its index.
static mp_obj_t access_protect(mp_obj_t self_in, mp_obj_t first, mp_obj_t last) {
    access_t *access = get_access(self_in);
    page_span_t span = { get_page(first), get_page(last) | 0xfff };
    access->protected = m_renew(page_span_t, access->protected, access->protected_count, access->protected_count + 1);
    access->protected[access->protected_count] = span;
    access->protected_lowest = span.first < access->protected_lowest ? span.first : access->protected_lowest;
    return MP_OBJ_NEW_SMALL_INT(access->protected_count++);
}
static MP_DEFINE_CONST_FUN_OBJ_3(access_protect_obj, access_protect);

// Level-3 tables below root entries from `index` on are shared with other roots and never freed.
static mp_obj_t access_share_from(mp_obj_t self_in, mp_obj_t index) {
    get_access(self_in)->shared_from = get_below(index, 513, "index");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(access_share_from_obj, access_share_from);

static const mp_rom_map_elem_t access_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_translate), MP_ROM_PTR(&access_translate_obj) },
    { MP_ROM_QSTR(MP_QSTR_find), MP_ROM_PTR(&access_find_obj) },
    { MP_ROM_QSTR(MP_QSTR_physical), MP_ROM_PTR(&access_physical_obj) },
    { MP_ROM_QSTR(MP_QSTR_look), MP_ROM_PTR(&access_look_obj) },
    { MP_ROM_QSTR(MP_QSTR_next_run), MP_ROM_PTR(&access_next_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_map), MP_ROM_PTR(&access_map_obj) },
    { MP_ROM_QSTR(MP_QSTR_map_again), MP_ROM_PTR(&access_map_again_obj) },
    { MP_ROM_QSTR(MP_QSTR_map_page), MP_ROM_PTR(&access_map_page_obj) },
    { MP_ROM_QSTR(MP_QSTR_check), MP_ROM_PTR(&access_check_obj) },
    { MP_ROM_QSTR(MP_QSTR_unmap), MP_ROM_PTR(&access_unmap_obj) },
    { MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&access_update_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear), MP_ROM_PTR(&access_clear_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_parent), MP_ROM_PTR(&access_set_parent_obj) },
    { MP_ROM_QSTR(MP_QSTR_clean_up), MP_ROM_PTR(&access_clean_up_obj) },
    { MP_ROM_QSTR(MP_QSTR_freed_run), MP_ROM_PTR(&access_freed_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_give), MP_ROM_PTR(&access_give_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&access_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_protect), MP_ROM_PTR(&access_protect_obj) },
    { MP_ROM_QSTR(MP_QSTR_share_from), MP_ROM_PTR(&access_share_from_obj) },
};
static MP_DEFINE_CONST_DICT(access_locals, access_locals_table);

static mp_obj_t detail_of(const access_t *access, qstr attribute) {
    switch (attribute) {
        case MP_QSTR_level: return MP_OBJ_NEW_SMALL_INT(access->level);
        case MP_QSTR_page: return MP_OBJ_NEW_SMALL_INT(access->page);
        case MP_QSTR_count: return MP_OBJ_NEW_SMALL_INT(access->count);
        case MP_QSTR_flags: return MP_OBJ_NEW_SMALL_INT(word_of(access->entry, access->level));
        case MP_QSTR_entry_frame: return MP_OBJ_NEW_SMALL_INT((access->entry & ENTRY_FRAME) >> 12);
        case MP_QSTR_table_frame: return MP_OBJ_NEW_SMALL_INT(access->table >> 12);
        case MP_QSTR_root_frame: return MP_OBJ_NEW_SMALL_INT(access->root >> 12);
        case MP_QSTR_malformed: return mp_obj_new_bool(entry_is_malformed(access, access->entry, access->level));
        case MP_QSTR_any_global: return mp_obj_new_bool(access->any_global);
        case MP_QSTR_parents_changed: return mp_obj_new_bool(access->parents_changed);
        case MP_QSTR_protected_index: return MP_OBJ_NEW_SMALL_INT(access->protected_index);
        case MP_QSTR_spare_count: return MP_OBJ_NEW_SMALL_INT(access->spare.count);
        case MP_QSTR_effective: return MP_OBJ_NEW_SMALL_INT(effective_word(access));
    }
    return MP_OBJ_NULL;
}

static void access_attr(mp_obj_t self_in, qstr attribute, mp_obj_t *destination) {
    if (destination[0] != MP_OBJ_NULL) {
        return;
    }
    destination[0] = detail_of(get_access(self_in), attribute);
    if (destination[0] == MP_OBJ_NULL) {
        destination[1] = MP_OBJ_SENTINEL; // a method
    }
}

static MP_DEFINE_CONST_OBJ_TYPE(access_type, MP_QSTR_Access, MP_TYPE_FLAG_NONE, make_new, access_make_new,
    attr, access_attr, locals_dict, &access_locals);

static uint64_t *get_entry(mp_obj_t table_page, mp_obj_t index) {
    return (uint64_t *)get_page(table_page) + get_below(index, 512, "index");
}

static mp_obj_t tables_entry_frame(mp_obj_t table_page, mp_obj_t index) {
    return MP_OBJ_NEW_SMALL_INT((*get_entry(table_page, index) & ENTRY_FRAME) >> 12);
}
static MP_DEFINE_CONST_FUN_OBJ_2(tables_entry_frame_obj, tables_entry_frame);

// The raw word: bit 7 stays bit 7, whatever the level.
static mp_obj_t tables_entry_flags(mp_obj_t table_page, mp_obj_t index) {
    uint64_t entry = *get_entry(table_page, index);
    return MP_OBJ_NEW_SMALL_INT((entry & 0xfff) | (entry >> 52) << 12);
}
static MP_DEFINE_CONST_FUN_OBJ_2(tables_entry_flags_obj, tables_entry_flags);

static uint64_t raw_entry(mp_obj_t frame, mp_obj_t word) {
    return get_below(frame, 1UL << 40, "frame number") << 12
        | entry_flags_of(get_below(word, WORD_PAT, "flag word"), 1, false);
}

static mp_obj_t tables_set_entry(size_t count, const mp_obj_t *arguments) {
    uint64_t value = raw_entry(arguments[2], arguments[3]);
    *(volatile uint64_t *)get_entry(arguments[0], arguments[1]) = value;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tables_set_entry_obj, 4, 4, tables_set_entry);

// compare_and_set(table_page, index, old_frame, old_word, frame, word): one locked instruction; True if it was so.
static mp_obj_t tables_compare_and_set(size_t count, const mp_obj_t *arguments) {
    uint64_t old = raw_entry(arguments[2], arguments[3]), value = raw_entry(arguments[4], arguments[5]);
    return mp_obj_new_bool(__sync_bool_compare_and_swap(get_entry(arguments[0], arguments[1]), old, value));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tables_compare_and_set_obj, 6, 6, tables_compare_and_set);

// The next index from `index` on whose entry is not zero; 512 when there is none.
static mp_obj_t tables_next_used(mp_obj_t table_page, mp_obj_t index_in) {
    const uint64_t *table = (const uint64_t *)get_page(table_page);
    uint64_t index = get_below(index_in, 513, "index");
    while (index < 512 && table[index] == 0) {
        index++;
    }
    return MP_OBJ_NEW_SMALL_INT(index);
}
static MP_DEFINE_CONST_FUN_OBJ_2(tables_next_used_obj, tables_next_used);

static mp_obj_t tables_clear_table(mp_obj_t table_page) {
    table_fill_zero((void *)get_page(table_page), 512);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(tables_clear_table_obj, tables_clear_table);

// copy_entries(to_page, from_page, first_index, last_index)
static mp_obj_t tables_copy_entries(size_t count, const mp_obj_t *arguments) {
    uint64_t *to = (uint64_t *)get_page(arguments[0]);
    const uint64_t *from = (const uint64_t *)get_page(arguments[1]);
    uint64_t last = get_below(arguments[3], 512, "index");
    for (uint64_t i = get_below(arguments[2], 512, "index"); i <= last; i++) {
        to[i] = from[i];
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tables_copy_entries_obj, 4, 4, tables_copy_entries);

// invalidate(page, count, pages_per_leaf): how many invlpg instructions that took.
static mp_obj_t tables_invalidate(mp_obj_t page, mp_obj_t count_in, mp_obj_t pages) {
    uint64_t address = get_page(page), count = get_count(count_in, address);
    return MP_OBJ_NEW_SMALL_INT(run_invalidate(address, count, get_below(pages, MOST_PAGES, "pages") | (pages == MP_OBJ_NEW_SMALL_INT(0))));
}
static MP_DEFINE_CONST_FUN_OBJ_3(tables_invalidate_obj, tables_invalidate);

static const mp_rom_map_elem_t tables_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__tables) },
    { MP_ROM_QSTR(MP_QSTR_LEVELS), MP_ROM_INT(TABLE_LEVELS) },
    { MP_ROM_QSTR(MP_QSTR_OFFSET), MP_ROM_INT(REACH_OFFSET) },
    { MP_ROM_QSTR(MP_QSTR_RECURSIVE), MP_ROM_INT(REACH_RECURSIVE) },
    { MP_ROM_QSTR(MP_QSTR_TEMPORARY), MP_ROM_INT(REACH_TEMPORARY) },
    { MP_ROM_QSTR(MP_QSTR_FUNCTION), MP_ROM_INT(REACH_FUNCTION) },
    { MP_ROM_QSTR(MP_QSTR_NOT_MAPPED), MP_ROM_INT(REFUSED_NOT_MAPPED) },
    { MP_ROM_QSTR(MP_QSTR_PARENT_HUGE), MP_ROM_INT(REFUSED_PARENT_HUGE) },
    { MP_ROM_QSTR(MP_QSTR_ALREADY_MAPPED), MP_ROM_INT(REFUSED_ALREADY_MAPPED) },
    { MP_ROM_QSTR(MP_QSTR_TABLE_IN_THE_WAY), MP_ROM_INT(REFUSED_TABLE_IN_THE_WAY) },
    { MP_ROM_QSTR(MP_QSTR_STALE_ENTRY), MP_ROM_INT(REFUSED_STALE_ENTRY) },
    { MP_ROM_QSTR(MP_QSTR_STALE_PARENT), MP_ROM_INT(REFUSED_STALE_PARENT) },
    { MP_ROM_QSTR(MP_QSTR_MALFORMED), MP_ROM_INT(REFUSED_MALFORMED) },
    { MP_ROM_QSTR(MP_QSTR_PROTECTED), MP_ROM_INT(REFUSED_PROTECTED) },
    { MP_ROM_QSTR(MP_QSTR_FLAGS), MP_ROM_INT(REFUSED_FLAGS) },
    { MP_ROM_QSTR(MP_QSTR_MISALIGNED), MP_ROM_INT(REFUSED_MISALIGNED) },
    { MP_ROM_QSTR(MP_QSTR_OUT_OF_RANGE), MP_ROM_INT(REFUSED_OUT_OF_RANGE) },
    { MP_ROM_QSTR(MP_QSTR_NOT_ACTIVE), MP_ROM_INT(REFUSED_NOT_ACTIVE) },
    { MP_ROM_QSTR(MP_QSTR_SMALLER_PAGES), MP_ROM_INT(REFUSED_SMALLER_PAGES) },
    { MP_ROM_QSTR(MP_QSTR_Mapped), MP_ROM_PTR(&snapshot_type) },
    { MP_ROM_QSTR(MP_QSTR_Access), MP_ROM_PTR(&access_type) },
    { MP_ROM_QSTR(MP_QSTR_entry_frame), MP_ROM_PTR(&tables_entry_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_entry_flags), MP_ROM_PTR(&tables_entry_flags_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_entry), MP_ROM_PTR(&tables_set_entry_obj) },
    { MP_ROM_QSTR(MP_QSTR_compare_and_set), MP_ROM_PTR(&tables_compare_and_set_obj) },
    { MP_ROM_QSTR(MP_QSTR_next_used), MP_ROM_PTR(&tables_next_used_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear_table), MP_ROM_PTR(&tables_clear_table_obj) },
    { MP_ROM_QSTR(MP_QSTR_copy_entries), MP_ROM_PTR(&tables_copy_entries_obj) },
    { MP_ROM_QSTR(MP_QSTR_invalidate), MP_ROM_PTR(&tables_invalidate_obj) },
};
static MP_DEFINE_CONST_DICT(tables_globals, tables_globals_table);
const mp_obj_module_t tables_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&tables_globals };
MP_REGISTER_MODULE(MP_QSTR__tables, tables_module);
