// Borrows, and what all views have.
//
// The lease's list of borrows does not keep them alive: its pointers are stored inverted, so that the collector
// takes them for numbers. A view that nobody refers to is found by the collector; its finaliser takes it off the
// list. The list changes only between two complete states, in C: neither an exception nor Ctrl-C comes in between.
//
// In C because every access asks here first: `read one byte, checked` is 154 instructions, where the call of a bound
// method alone is 531; and because a finaliser runs while the collector is locked, when no Python can.
#include <string.h>
#include "py/gc.h"
#include "port/ledger/records.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

// --- refusals: the exceptions are kernel Python's; C knows only which ---

MP_REGISTER_ROOT_POINTER(mp_obj_t view_refuser);

void view_ask(qstr refusal, mp_obj_t of, mp_obj_t detail) {
    mp_obj_t refuser = MP_STATE_VM(view_refuser);
    if (refuser != MP_OBJ_NULL && refuser != mp_const_none) {
        mp_obj_t arguments[] = { MP_OBJ_NEW_QSTR(refusal), of, detail };
        mp_call_function_n_kw(refuser, 3, 0, arguments);
    }
}

void view_refuse(qstr refusal, mp_obj_t of, mp_obj_t detail) {
    view_ask(refusal, of, detail);
    native_raise_about(&mp_type_RuntimeError, "", of, " refuses, and nobody has said in what words");
}

void view_refuse_use(const view_t *view) {
    mp_obj_t of = MP_OBJ_FROM_PTR(view);
    if (view->lease->ended_by != MP_OBJ_NULL) {
        view_refuse(MP_QSTR_ended, of, view->lease->ended_by);
    }
    if (!view->root->live) {
        view_refuse(MP_QSTR_released, of, mp_const_none);
    }
    view_refuse(MP_QSTR_not_active, of, MP_OBJ_NEW_SMALL_INT(view->lease->table / PAGE_SIZE));
}

// --- borrows ---

static view_t *shown(uintptr_t hidden) {
    return hidden == 0 ? NULL : (view_t *)~hidden;
}

static uintptr_t hidden(const view_t *view) {
    return view == NULL ? 0 : ~(uintptr_t)view;
}

static void link_borrow(view_t *view) {
    view_t *first = shown(view->lease->first);
    view->next = hidden(first);
    view->previous = 0;
    if (first != NULL) {
        first->previous = hidden(view);
    }
    view->lease->first = hidden(view);
    view->lease->borrows++;
    view->live = true;
}

static void unlink_borrow(view_t *view) {
    view_t *previous = shown(view->previous), *next = shown(view->next);
    view->live = false;
    view->lease->borrows--;
    if (previous != NULL) {
        previous->next = view->next;
    } else {
        view->lease->first = view->next;
    }
    if (next != NULL) {
        next->previous = view->previous;
    }
}

static view_t *find_conflict(const view_t *wanted) {
    for (view_t *view = shown(wanted->lease->first); view != NULL; view = shown(view->next)) {
        bool overlap = wanted->address - view->address < view->length || view->address - wanted->address < wanted->length;
        if (overlap && (view->writable || wanted->writable) && view->length > 0 && wanted->length > 0) {
            return view;
        }
    }
    return NULL;
}

view_t *view_first(const lease_t *lease) {
    return shown(lease->first);
}

view_t *view_after(const view_t *view) {
    return shown(view->next);
}

void view_collect_forgotten(void) {
    if (!gc_is_locked()) {
        gc_collect();
    }
}

view_t *view_borrow(lease_t *lease, const mp_obj_type_t *type, size_t bytes, uint64_t offset, uint64_t length, uint64_t alignment, bool writable) {
    mp_obj_t of = MP_OBJ_FROM_PTR(lease);
    if (lease->ended_by != MP_OBJ_NULL) {
        view_refuse(MP_QSTR_ended, of, lease->ended_by);
    }
    if (offset > lease->length || length > lease->length - offset) {
        view_refuse(MP_QSTR_bounds, of, NATIVE_NUMBERS(offset, length));
    }
    if (offset & (alignment - 1)) {
        view_refuse(MP_QSTR_alignment, of, NATIVE_NUMBERS(offset, alignment));
    }
    if (writable && !(lease->rights & RIGHT_WRITE)) {
        view_refuse(MP_QSTR_rights, of, MP_OBJ_NEW_SMALL_INT(RIGHT_WRITE));
    }
    view_t *view = gc_alloc(bytes, GC_ALLOC_FLAG_HAS_FINALISER);
    if (view == NULL) {
        m_malloc_fail(bytes);
    }
    memset(view, 0, bytes);
    view->lease = lease;
    view->root = view;
    view->address = lease->start + offset;
    view->length = length;
    view->writable = writable;
    view->base.type = type;
    if (find_conflict(view) != NULL) {
        view_collect_forgotten();
        view_t *conflict = find_conflict(view);
        if (conflict != NULL) {
            view_refuse(MP_QSTR_borrowed, MP_OBJ_FROM_PTR(view), MP_OBJ_FROM_PTR(conflict));
        }
    }
    link_borrow(view);
    return view;
}

view_t *view_part(view_t *whole, const mp_obj_type_t *type, uint64_t address, uint64_t length, mp_obj_t layout) {
    view_t *view = mp_obj_malloc(view_t, type);
    *view = (view_t) { .base = { type }, .lease = whole->lease, .root = whole->root, .address = address, .length = length,
        .writable = whole->writable, .layout = layout };
    return view;
}

// --- what all views have ---

void view_require_idle(const view_t *view) {
    if (view->running > 0) {
        view_refuse(MP_QSTR_running, MP_OBJ_FROM_PTR(view), mp_const_none);
    }
}

// Of a part: its whole view's borrow ends. Doing it twice is fine.
void view_end(view_t *view) {
    if (view->root->live) {
        unlink_borrow(view->root);
    }
}

NATIVE_1(view_release, self) {
    view_require_idle(MP_OBJ_TO_PTR(self));
    view_end(MP_OBJ_TO_PTR(self));
    return mp_const_none;
}

// The finaliser. Parts have none; a view whose making failed is not live.
NATIVE_1(view_del, self) {
    view_t *view = MP_OBJ_TO_PTR(self);
    if (view->live && view->root == view) {
        unlink_borrow(view);
    }
    return mp_const_none;
}

NATIVE_1(view_enter, self) {
    view_require(MP_OBJ_TO_PTR(self));
    return self;
}

NATIVE_MANY(view_exit, 4, arguments) { return view_release(arguments[0]); }

static bool bind(mp_obj_t *destination, const void *function, view_t *view) {
    destination[0] = MP_OBJ_FROM_PTR(function);
    destination[1] = MP_OBJ_FROM_PTR(view);
    return true;
}

bool view_load_common(view_t *view, qstr attribute, mp_obj_t *destination) {
    switch (attribute) {
        case MP_QSTR___del__: return bind(destination, &view_del_obj, view);
        case MP_QSTR_release: return bind(destination, &view_release_obj, view);
        case MP_QSTR___enter__: return bind(destination, &view_enter_obj, view);
        case MP_QSTR___exit__: return bind(destination, &view_exit_obj, view);
        case MP_QSTR_offset: destination[0] = native_new_u64(view->address - view->lease->start); return true;
        case MP_QSTR_size_in_bytes: destination[0] = native_new_u64(view->length); return true;
        case MP_QSTR_page: destination[0] = MP_OBJ_NEW_SMALL_INT(view->address >> 12); return true;
        case MP_QSTR_writable: destination[0] = mp_obj_new_bool(view->writable); return true;
        case MP_QSTR_is_live: destination[0] = mp_obj_new_bool(view->root->live && view->lease->ended_by == MP_OBJ_NULL); return true;
        case MP_QSTR_owner: destination[0] = view->lease->owner; return true;
    }
    return false;
}

void view_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind) {
    (void)kind;
    const view_t *view = MP_OBJ_TO_PTR(self);
    const char *state = view->lease->ended_by != MP_OBJ_NULL ? ", stale" : !view->root->live ? ", released" : "";
    mp_printf(print, "<%s%q of %lu bytes at v0x%lx%s>", view->writable ? "writable " : "", (qstr)view->base.type->name, view->length, view->address, state);
}

void lease_export(lease_t *lease) {
    if (!lease->exported) {
        record_mark_exported(lease->record);
        lease->exported = true;
    }
}
