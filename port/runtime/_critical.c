// `_critical`: stretches of Python that nothing may interrupt. Ctrl-C and scheduled callbacks wait until the last
// leave(). Interrupts of the processor stay on.
// In C because entering and leaving must not be interrupted either.
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "port/runtime/critical.h"
#include "port/runtime/natives.h"

static size_t depth;
static bool interrupt_held;

bool critical_is_held(void) {
    return depth > 0;
}

void critical_hold_interrupt(void) {
    interrupt_held = true;
}

void critical_reset(void) {
    depth = 0;
    interrupt_held = false;
}

void critical_hold(void) {
    if (depth++ == 0) {
        mp_sched_lock();
    }
}

void critical_release(void) {
    if (--depth == 0) {
        mp_sched_unlock();
        if (interrupt_held) {
            interrupt_held = false;
            mp_sched_keyboard_interrupt();
        }
    }
}

// What a guarded stretch does must not fail half-way for want of stack: ask for room before the first guard is held.
#define ROOM_ON_STACK   0x6000
#define ROOM_ON_PYSTACK 0x2000

static void require_room(size_t on_stack, size_t on_pystack) {
    if (depth == 0 && (mp_stack_usage() + on_stack > MP_STATE_THREAD(stack_limit)
        || MP_STATE_THREAD(pystack_cur) + on_pystack > MP_STATE_THREAD(pystack_end))) {
        mp_raise_recursion_depth();
    }
}

void critical_require_room(void) {
    require_room(ROOM_ON_STACK, ROOM_ON_PYSTACK);
}

NATIVE_0(critical_enter) {
    critical_require_room();
    critical_hold();
    return mp_const_none;
}

NATIVE_0(critical_room) {
    critical_require_room();
    return mp_const_none;
}

NATIVE_0(critical_room_to_undo) {
    require_room(ROOM_ON_STACK / 6, ROOM_ON_PYSTACK / 6);
    return mp_const_none;
}

NATIVE_0(critical_leave) {
    if (depth == 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("leave() without enter()"));
    }
    critical_release();
    return mp_const_none;
}

NATIVE_0(critical_depth) { return MP_OBJ_NEW_SMALL_INT(depth); }

// A long stretch that only looks asks now and then, and raises KeyboardInterrupt itself.
NATIVE_0(critical_take_interrupt) {
    mp_obj_t waiting = MP_STATE_MAIN_THREAD(mp_pending_exception);
    bool came = interrupt_held || waiting == MP_OBJ_FROM_PTR(&MP_STATE_VM(mp_kbd_exception));
    if (came) {
        interrupt_held = false;
        MP_STATE_MAIN_THREAD(mp_pending_exception) = MP_OBJ_NULL;
    }
    return mp_obj_new_bool(came);
}

// function() runs at safe points: safe_point.c. Said once, until the next soft reset.
NATIVE_1(critical_set_safe_point, function) {
    if (!mp_obj_is_callable(function)) {
        mp_raise_TypeError(MP_ERROR_TEXT("the function of safe points must be callable"));
    }
    if (MP_STATE_VM(safe_point_function) != MP_OBJ_NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("safe points have their function already"));
    }
    MP_STATE_VM(safe_point_function) = function;
    return mp_const_none;
}

NATIVE_MODULE(critical,
    NATIVE(critical, enter), NATIVE(critical, leave), NATIVE(critical, depth), NATIVE(critical, take_interrupt),
    NATIVE(critical, set_safe_point), NATIVE_AT(require_room, critical_room_obj),
    NATIVE_AT(require_room_to_undo, critical_room_to_undo_obj));
