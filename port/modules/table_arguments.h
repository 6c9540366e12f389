// How the methods of `Access` take their arguments, and the methods themselves, which three files share.
#pragma once
#include "port/runtime/natives.h"
#include "port/modules/tables.h"

#define MOST_PAGES (1UL << 36)

static inline access_t *get_access(mp_obj_t self_in) {
    return MP_OBJ_TO_PTR(self_in);
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

// A count of pages that stay in the half of the address space that `address` lies in, at least one.
uint64_t table_get_count(mp_obj_t count, uint64_t address);
// Raise if the recursive slot of an access does not lead to its table.
void access_require_reachable(access_t *access, bool will_write);
uint32_t access_effective_word(const access_t *access);

extern const mp_obj_type_t access_type, mapped_type;
// port/modules/table_questions.c and table_changes.c
MP_DECLARE_CONST_FUN_OBJ_2(access_translate_obj);
MP_DECLARE_CONST_FUN_OBJ_2(access_physical_obj);
MP_DECLARE_CONST_FUN_OBJ_2(access_find_obj);
MP_DECLARE_CONST_FUN_OBJ_3(access_look_obj);
MP_DECLARE_CONST_FUN_OBJ_3(access_next_run_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(access_map_obj);
MP_DECLARE_CONST_FUN_OBJ_3(access_map_again_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(access_map_page_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(access_check_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(access_unmap_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(access_update_obj);
MP_DECLARE_CONST_FUN_OBJ_3(access_clear_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(access_set_parent_obj);
MP_DECLARE_CONST_FUN_OBJ_3(access_clean_up_obj);
MP_DECLARE_CONST_FUN_OBJ_1(access_freed_run_obj);
MP_DECLARE_CONST_FUN_OBJ_3(access_give_obj);
MP_DECLARE_CONST_FUN_OBJ_1(access_take_obj);
MP_DECLARE_CONST_FUN_OBJ_3(access_protect_obj);
MP_DECLARE_CONST_FUN_OBJ_2(access_share_from_obj);
