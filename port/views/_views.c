// `_views`: leases, and the borrows that live on them. Contracts: port/typings/_views.pyi.
//
// A Lease stands for "this run of pages is mapped, with these rights" until somebody ends it. A view borrows bytes of
// it: any number of shared borrows of a byte, or a single writable one. While a borrow lives, end() refuses. Every
// access asks first whether the view was released, the lease was ended, or the mapping's table is not the active one.
//
// In C because a lease is what every access asks for (borrows.c), and must not be seen half made.
#include "py/objlist.h"
#include "boot/layout.h"
#include "port/hardware/paging.h"
#include "port/ledger/records.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

// --- leases ---

// What stands where in the state of a MappedPages, which is a list of kernel Python's.
static size_t state_record, state_lease, state_length;

static mp_obj_t views_set_state(mp_obj_t record, mp_obj_t lease, mp_obj_t length) {
    state_length = native_get_below(length, 256, "length");
    state_record = native_get_below(record, state_length, "index");
    state_lease = native_get_below(lease, state_length, "index");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(views_set_state_obj, views_set_state);

static mp_obj_t new_lease(mp_obj_t owner, mp_obj_t handle) {
    const record_t *record = mp_obj_is_str(handle) ? NULL : record_of(handle);
    if (record == NULL) {
        mp_obj_t method[2];
        mp_load_method(owner, MP_QSTR__live, method);
        mp_call_method_n_kw(0, 0, method);
        mp_raise_TypeError(MP_ERROR_TEXT("a live Record expected"));
    }
    lease_t *lease = mp_obj_malloc(lease_t, &lease_type);
    lease->start = record->first_page * PAGE_SIZE;
    lease->length = record->count * PAGE_SIZE;
    lease->table = record->first_page >= UPPER_HALF_FIRST_PAGE ? 0 : record->root * PAGE_SIZE;
    lease->rights = (record->flags & WORD_WRITABLE ? RIGHT_WRITE : 0) | (record->flags & WORD_NO_EXECUTE ? 0 : RIGHT_EXECUTE);
    lease->exported = record->exported;
    lease->owner = owner;
    lease->record = handle;
    lease->ended_by = MP_OBJ_NULL;
    lease->first = 0;
    lease->borrows = 0;
    return MP_OBJ_FROM_PTR(lease);
}

// lend(owner, state): the lease in the state of a MappedPages; the first time it is made, for its live Record. If that
// has ended, owner._live() says what is wrong. In one piece: a callback between looking and making would make a second.
static mp_obj_t views_lend(mp_obj_t owner, mp_obj_t state_in) {
    mp_obj_list_t *state = MP_OBJ_TO_PTR(state_in);
    if (!mp_obj_is_exact_type(state_in, &mp_type_list) || state->len != state_length) {
        mp_raise_TypeError(MP_ERROR_TEXT("the state of a MappedPages expected"));
    }
    if (state->items[state_lease] == mp_const_none) {
        mp_obj_t lease = new_lease(owner, state->items[state_record]);
        state->items[state_lease] = lease;
    }
    return state->items[state_lease];
}
static MP_DEFINE_CONST_FUN_OBJ_2(views_lend_obj, views_lend);

static mp_obj_t lease_slice(size_t n_args, const mp_obj_t *arguments) {
    (void)n_args;
    return slice_new(MP_OBJ_TO_PTR(arguments[0]), arguments[1], arguments[2], arguments[3], mp_obj_is_true(arguments[4]));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lease_slice_obj, 5, 5, lease_slice);

static mp_obj_t lease_overlay(size_t n_args, const mp_obj_t *arguments) {
    (void)n_args;
    return overlay_new(MP_OBJ_TO_PTR(arguments[0]), arguments[1], arguments[2], mp_obj_is_true(arguments[3]));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lease_overlay_obj, 4, 4, lease_overlay);

static mp_obj_t lease_function(size_t n_args, const mp_obj_t *arguments) {
    (void)n_args;
    return function_new(MP_OBJ_TO_PTR(arguments[0]), arguments + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lease_function_obj, 6, 6, lease_function);

// The views that hold a borrow, newest first.
static mp_obj_t lease_borrows(mp_obj_t self) {
    lease_t *lease = MP_OBJ_TO_PTR(self);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (view_t *view = view_first(lease); view != NULL; view = view_after(view)) {
        mp_obj_list_append(list, MP_OBJ_FROM_PTR(view));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lease_borrows_obj, lease_borrows);

// Ended by the call of that name. Refused while a borrow lives that a collection does not find forgotten.
static mp_obj_t lease_end(mp_obj_t self, mp_obj_t by) {
    lease_t *lease = MP_OBJ_TO_PTR(self);
    if (lease->borrows > 0) {
        view_collect_forgotten();
    }
    if (lease->borrows > 0) {
        view_refuse(MP_QSTR_still_borrowed, self, by);
    }
    if (lease->ended_by == MP_OBJ_NULL) {
        lease->ended_by = by;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(lease_end_obj, lease_end);

// Ended whatever lives on it: every view is stale from now on.
static mp_obj_t lease_revoke(mp_obj_t self, mp_obj_t by) {
    lease_t *lease = MP_OBJ_TO_PTR(self);
    if (lease->ended_by == MP_OBJ_NULL) {
        lease->ended_by = by;
    }
    while (lease->first != 0) {
        view_end(view_first(lease));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(lease_revoke_obj, lease_revoke);

// owner may be set: the mapping may move to another owner object while views live (into_inner()).
static void lease_attr(mp_obj_t self, qstr attribute, mp_obj_t *destination) {
    lease_t *lease = MP_OBJ_TO_PTR(self);
    if (destination[0] != MP_OBJ_NULL) {
        if (attribute == MP_QSTR_owner && destination[1] != MP_OBJ_NULL) {
            lease->owner = destination[1];
            destination[0] = MP_OBJ_NULL;
        }
        return;
    }
    switch (attribute) {
        case MP_QSTR_owner: destination[0] = lease->owner; break;
        case MP_QSTR_page: destination[0] = MP_OBJ_NEW_SMALL_INT((lease->start >> 12)); break;
        case MP_QSTR_pages: destination[0] = MP_OBJ_NEW_SMALL_INT(lease->length >> 12); break;
        case MP_QSTR_rights: destination[0] = MP_OBJ_NEW_SMALL_INT(lease->rights); break;
        case MP_QSTR_is_live: destination[0] = mp_obj_new_bool(lease->ended_by == MP_OBJ_NULL); break;
        case MP_QSTR_is_borrowed: destination[0] = mp_obj_new_bool(lease->borrows > 0); break;
        default: destination[1] = MP_OBJ_SENTINEL;
    }
}

static const mp_rom_map_elem_t lease_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_slice), MP_ROM_PTR(&lease_slice_obj) },
    { MP_ROM_QSTR(MP_QSTR_overlay), MP_ROM_PTR(&lease_overlay_obj) },
    { MP_ROM_QSTR(MP_QSTR_function), MP_ROM_PTR(&lease_function_obj) },
    { MP_ROM_QSTR(MP_QSTR_borrows), MP_ROM_PTR(&lease_borrows_obj) },
    { MP_ROM_QSTR(MP_QSTR_end), MP_ROM_PTR(&lease_end_obj) },
    { MP_ROM_QSTR(MP_QSTR_revoke), MP_ROM_PTR(&lease_revoke_obj) },
};
static MP_DEFINE_CONST_DICT(lease_locals, lease_locals_table);
MP_DEFINE_CONST_OBJ_TYPE(lease_type, MP_QSTR_Lease, MP_TYPE_FLAG_NONE, attr, lease_attr, locals_dict, &lease_locals);

// --- the module ---

static mp_obj_t views_set_refuser(mp_obj_t function) {
    MP_STATE_VM(view_refuser) = function;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(views_set_refuser_obj, views_set_refuser);

static const mp_rom_map_elem_t views_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__views) },
    { MP_ROM_QSTR(MP_QSTR_Lease), MP_ROM_PTR(&lease_type) },
    { MP_ROM_QSTR(MP_QSTR_Slice), MP_ROM_PTR(&slice_type) },
    { MP_ROM_QSTR(MP_QSTR_Overlay), MP_ROM_PTR(&overlay_type) },
    { MP_ROM_QSTR(MP_QSTR_Function), MP_ROM_PTR(&function_type) },
    { MP_ROM_QSTR(MP_QSTR_WRITE), MP_ROM_INT(RIGHT_WRITE) },
    { MP_ROM_QSTR(MP_QSTR_EXECUTE), MP_ROM_INT(RIGHT_EXECUTE) },
    { MP_ROM_QSTR(MP_QSTR_lend), MP_ROM_PTR(&views_lend_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_refuser), MP_ROM_PTR(&views_set_refuser_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_state), MP_ROM_PTR(&views_set_state_obj) },
};
static MP_DEFINE_CONST_DICT(views_globals, views_globals_table);
const mp_obj_module_t views_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&views_globals };
MP_REGISTER_MODULE(MP_QSTR__views, views_module);
