// The methods of `Access` that look: where does an address lead, what do entries say? Contracts: port/typings/_tables.pyi.
#include "port/modules/table_arguments.h"

void access_require_reachable(access_t *access, bool will_write) {
    if (access_begin(access, will_write) != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the recursive slot does not lead to this table"));
    }
}

uint64_t table_get_count(mp_obj_t count, uint64_t address) {
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
        access_require_reachable(access, false);
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
MP_DEFINE_CONST_FUN_OBJ_2(access_translate_obj, access_translate);

// What an address led to at one moment. Numbers are its own; for anything typed it asks the access's describer, a
// Python function that makes an object of it.
typedef struct {
    mp_obj_base_t base;
    mp_obj_t describer;
    uint64_t physical;
    uint64_t word : 30, effective : 30, level : 4; // so that it fits one block of the heap, which is quick to get
} mapped_t;
_Static_assert(sizeof(mapped_t) <= 32, "a Mapped is longer than one block of the heap");

static void mapped_attr(mp_obj_t self_in, qstr attribute, mp_obj_t *destination) {
    const mapped_t *mapped = MP_OBJ_TO_PTR(self_in);
    if (destination[0] != MP_OBJ_NULL) {
        return;
    }
    switch (attribute) {
        case MP_QSTR_physical: destination[0] = native_new_u64(mapped->physical); break;
        case MP_QSTR_word: destination[0] = MP_OBJ_NEW_SMALL_INT(mapped->word); break;
        case MP_QSTR_effective_word: destination[0] = MP_OBJ_NEW_SMALL_INT(mapped->effective); break;
        case MP_QSTR_level: destination[0] = MP_OBJ_NEW_SMALL_INT(mapped->level); break;
        default:
            mp_load_method_maybe(mp_call_function_1(mapped->describer, self_in), attribute, destination);
    }
}

static void mapped_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    const mapped_t *mapped = MP_OBJ_TO_PTR(self_in);
    mp_obj_print_helper(print, mp_call_function_1(mapped->describer, self_in), kind);
}

static mp_obj_t mapped_binary_op(mp_binary_op_t operation, mp_obj_t left, mp_obj_t right) {
    if (operation != MP_BINARY_OP_EQUAL) {
        return MP_OBJ_NULL;
    }
    const mapped_t *a = MP_OBJ_TO_PTR(left), *b = MP_OBJ_TO_PTR(right);
    bool same = mp_obj_get_type(left) == mp_obj_get_type(right) && a->physical == b->physical && a->word == b->word
        && a->effective == b->effective && a->level == b->level;
    return mp_obj_new_bool(same);
}

MP_DEFINE_CONST_OBJ_TYPE(mapped_type, MP_QSTR_Mapped, MP_TYPE_FLAG_NONE, attr, mapped_attr,
    print, mapped_print, binary_op, mapped_binary_op);

static bool walk_to_leaf(access_t *access, uint64_t address) {
    if (access->kind != REACH_OFFSET) {
        access_require_reachable(access, false);
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
MP_DEFINE_CONST_FUN_OBJ_2(access_physical_obj, access_physical);

uint32_t access_effective_word(const access_t *access) {
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
    mapped_t *mapped = mp_obj_malloc(mapped_t, &mapped_type);
    mapped->describer = access->describer;
    mapped->physical = physical_of(access, address);
    mapped->word = word_of(access->entry, access->level);
    mapped->effective = access_effective_word(access);
    mapped->level = access->level;
    return MP_OBJ_FROM_PTR(mapped);
}
MP_DEFINE_CONST_FUN_OBJ_2(access_find_obj, access_find);

// The entry at `level`, as far as the way down to it exists: its frame number; flags and table in the attributes.
static mp_obj_t access_look(mp_obj_t self_in, mp_obj_t page, mp_obj_t level_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page);
    int level = get_below(level_in, TABLE_LEVELS + 1, "level");
    access_require_reachable(access, false);
    access_walk(access, address, level == 0 ? 1 : level);
    access_end(access);
    return MP_OBJ_NEW_SMALL_INT((access->entry & ENTRY_FRAME) >> 12);
}
MP_DEFINE_CONST_FUN_OBJ_3(access_look_obj, access_look);

static mp_obj_t access_next_run(mp_obj_t self_in, mp_obj_t page, mp_obj_t count_in) {
    access_t *access = get_access(self_in);
    uint64_t address = get_page(page), count = table_get_count(count_in, address);
    access_require_reachable(access, false);
    int code = run_next(access, address, count);
    access_end(access);
    if (code != 0) {
        return MP_OBJ_NEW_SMALL_INT(code);
    }
    access->page = address >> 12;
    return access->entry & ENTRY_PRESENT ? frame_of_leaf(access, address) : MP_OBJ_NEW_SMALL_INT(REFUSED_NOT_MAPPED);
}
MP_DEFINE_CONST_FUN_OBJ_3(access_next_run_obj, access_next_run);
