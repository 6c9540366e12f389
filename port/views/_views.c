// `_views`: leases, and the borrows that live on them. Contracts: port/typings/_views.pyi.
//
// A Lease stands for "this run of pages is mapped, with these rights" until somebody ends it. A view borrows bytes of
// it: any number of shared borrows of a byte, or a single writable one. While a borrow lives, end() refuses. Every
// access asks first whether the view was released, the lease was ended, or the mapping's table is not the active one.
//
// In C because a lease is what every access asks for (borrows.c), and must not be seen half made.
#include "py/objlist.h"
#include "boot/layout.h"
#include "port/hardware/cpu.h"
#include "port/hardware/paging.h"
#include "port/ledger/records.h"
#include "port/runtime/callback.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

// --- leases ---

// What stands where in the state of a MappedPages, which is a list of kernel Python's.
static size_t state_record, state_lease, state_length;

NATIVE_3(views_set_state, record, lease, length) {
    state_length = native_get_below(length, 256, "length");
    state_record = native_get_below(record, state_length, "index");
    state_lease = native_get_below(lease, state_length, "index");
    return mp_const_none;
}

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
    lease->is_ram = record->kind == KIND_EXCLUSIVE || record->kind == KIND_SYSTEM;
    lease->for_users = cpu_features.user_pages_kept_off && record->flags & WORD_USER;
    lease->owner = owner;
    lease->record = handle;
    lease->ended_by = MP_OBJ_NULL;
    lease->first = 0;
    lease->borrows = 0;
    return MP_OBJ_FROM_PTR(lease);
}

// lend(owner, state): the lease in the state of a MappedPages; the first time it is made, for its live Record. If that
// has ended, owner._live() says what is wrong. In one piece: a callback between looking and making would make a second.
NATIVE_2(views_lend, owner, state_in) {
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

NATIVE_MANY(lease_slice, 5, arguments) {
    return slice_new(MP_OBJ_TO_PTR(arguments[0]), arguments[1], arguments[2], arguments[3], mp_obj_is_true(arguments[4]));
}

NATIVE_MANY(lease_overlay, 4, arguments) {
    return overlay_new(MP_OBJ_TO_PTR(arguments[0]), arguments[1], arguments[2], mp_obj_is_true(arguments[3]));
}

NATIVE_MANY(lease_function, 6, arguments) { return function_new(MP_OBJ_TO_PTR(arguments[0]), arguments + 1); }

// The views that hold a borrow, newest first.
NATIVE_1(lease_borrows, self) {
    lease_t *lease = MP_OBJ_TO_PTR(self);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (view_t *view = view_first(lease); view != NULL; view = view_after(view)) {
        mp_obj_list_append(list, MP_OBJ_FROM_PTR(view));
    }
    return list;
}

// Ended by the call of that name. Refused while a borrow lives that a collection does not find forgotten.
NATIVE_2(lease_end, self, by) {
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

// Ended whatever lives on it but code that runs: every view is stale from now on.
NATIVE_2(lease_revoke, self, by) {
    lease_t *lease = MP_OBJ_TO_PTR(self);
    for (view_t *view = view_first(lease); view != NULL; view = view_after(view)) {
        view_require_idle(view);
    }
    if (lease->ended_by == MP_OBJ_NULL) {
        lease->ended_by = by;
    }
    while (lease->first != 0) {
        view_end(view_first(lease));
    }
    return mp_const_none;
}

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

NATIVE_NAMES(lease_locals,
    NATIVE(lease, slice), NATIVE(lease, overlay), NATIVE(lease, function), NATIVE(lease, borrows),
    NATIVE(lease, end), NATIVE(lease, revoke));
MP_DEFINE_CONST_OBJ_TYPE(lease_type, MP_QSTR_Lease, MP_TYPE_FLAG_NONE, attr, lease_attr, locals_dict, &lease_locals);

// --- the module ---

NATIVE_1(views_set_refuser, function) {
    MP_STATE_VM(view_refuser) = function;
    return mp_const_none;
}

// Who is called by thunks; returns where they lead.
NATIVE_1(views_set_callback_runner, function) {
    MP_STATE_VM(callback_runner) = function;
    return native_new_u64((uint64_t)callback_enter);
}

NATIVE_0(views_functions_running) { return MP_OBJ_NEW_SMALL_INT(functions_running); }

NATIVE_MODULE(views,
    NATIVE_AT(Lease, lease_type), NATIVE_AT(Slice, slice_type), NATIVE_AT(Overlay, overlay_type),
    NATIVE_AT(Function, function_type),
    NATIVE_INT(WRITE, RIGHT_WRITE), NATIVE_INT(EXECUTE, RIGHT_EXECUTE),
    NATIVE(views, lend), NATIVE(views, set_refuser), NATIVE(views, set_callback_runner), NATIVE(views, set_state),
    NATIVE(views, functions_running));
