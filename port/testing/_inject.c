// `_inject`: make something go wrong at the n-th chance, so that tests can try every n. Contracts: port/typings/_inject.pyi.
//
//   fail_allocation(n)      the n-th allocation from now on Python's heap finds no memory
//   interrupt(n)            at the n-th check from now Ctrl-C is pressed; checks are where MicroPython looks for it
//   call(n, function)       at the n-th check from now function(None) is scheduled, as an interrupt handler would
//   refuse(n, spared, ...)  the n-th access to the physical window from now is refused by the MMU: refusals.c
//
// Each happens once; 0 calls it off and returns how many were left.
//
// In C because the chances are inside of MicroPython.
#include "py/runtime.h"
#include "port/faults/handlers.h"
#include "port/runtime/critical.h"
#include "port/runtime/natives.h"
#include "port/testing/inject.h"
#include "port/testing/refusals.h"

uint64_t inject_checks_left, inject_allocations_left;

MP_REGISTER_ROOT_POINTER(mp_obj_t inject_function);

void inject_reset(void) {
    inject_checks_left = inject_allocations_left = 0;
    refusals_begin(0, NULL, 0, false, false);
    MP_STATE_VM(inject_function) = MP_OBJ_NULL;
}

// As console/uart.c does when Ctrl-C arrives, or as any interrupt handler that schedules a callback.
void inject_on_check(void) {
    if (--inject_checks_left != 0) {
        return;
    }
    mp_obj_t function = MP_STATE_VM(inject_function);
    if (function != MP_OBJ_NULL) {
        mp_sched_schedule(function, mp_const_none);
    } else if (critical_is_held()) {
        critical_hold_interrupt();
    } else {
        mp_sched_keyboard_interrupt();
        fault_handlers_interrupt();             // the handler of a fault hears of it, too, as in traps.c
    }
}

static mp_obj_t arm(uint64_t *counter, mp_obj_t n) {
    uint64_t left = *counter;
    *counter = native_get_below(n, 1UL << 62, "count");
    return MP_OBJ_NEW_SMALL_INT(left);
}

NATIVE_1(inject_fail_allocation, n) { return arm(&inject_allocations_left, n); }

NATIVE_1(inject_interrupt, n) {
    MP_STATE_VM(inject_function) = MP_OBJ_NULL;
    return arm(&inject_checks_left, n);
}

NATIVE_2(inject_call, n, function) {
    MP_STATE_VM(inject_function) = function;
    return arm(&inject_checks_left, n);
}

// refuse(n, spared, every, whole): `spared` is a buffer that the caller keeps.
NATIVE_MANY(inject_refuse, 4, arguments) {
    mp_buffer_info_t spared;
    mp_get_buffer_raise(arguments[1], &spared, MP_BUFFER_READ);
    uint64_t count = native_get_below(arguments[0], 1UL << 62, "count");
    bool every = mp_obj_is_true(arguments[2]), whole = mp_obj_is_true(arguments[3]);
    return MP_OBJ_NEW_SMALL_INT(refusals_begin(count, spared.buf, spared.len, every, whole));
}

NATIVE_MODULE(inject,
    NATIVE(inject, fail_allocation), NATIVE(inject, interrupt), NATIVE(inject, call), NATIVE(inject, refuse));
