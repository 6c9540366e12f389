// `_interrupts`: the vectors that devices have. Contracts: port/typings/_interrupts.pyi.
//
// An interrupt is counted, and its handler is scheduled with a node of its own: it is called with how many there were
// since its last call, so that none is lost, however many come.
// In C because an interrupt comes where no Python can run: it is 300 instructions here, and 700 to the handler's first line.
#include <string.h>
#include "boot/layout.h"
#include "port/faults/device_interrupts.h"
#include "port/faults/vectors.h"
#include "port/hardware/instructions.h"
#include "port/runtime/natives.h"

MP_REGISTER_ROOT_POINTER(mp_obj_t device_handlers[16]);
_Static_assert(sizeof mp_state_ctx.vm.device_handlers / sizeof(mp_obj_t) == VECTORS - VECTOR_DEVICES, "device_handlers");

static mp_sched_node_t nodes[VECTORS - VECTOR_DEVICES];
static volatile uint64_t waiting[VECTORS - VECTOR_DEVICES];
static volatile bool running;

bool device_handler_is_running(void) {
    return running;
}

// The scheduler is locked here; Ctrl-C takes that away, or an endless handler would never look for it. It is meant for
// whoever was interrupted, too.
static void call(mp_obj_t handler, uint64_t count) {
    int locked = MP_STATE_VM(sched_state);
    nlr_buf_t nlr;
    nlr.ret_val = NULL;
    running = true;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_1(handler, MP_OBJ_NEW_SMALL_INT(count));
        nlr_pop();
    } else {
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    running = false;
    MP_STATE_VM(sched_state) = locked;
    if (nlr.ret_val == &MP_STATE_VM(mp_kbd_exception)) {
        mp_sched_keyboard_interrupt();
    }
}

static void call_handler(mp_sched_node_t *node) {
    size_t at = node - nodes;
    uint64_t flags = interrupts_disable();
    uint64_t count = waiting[at];
    waiting[at] = 0;
    interrupts_restore(flags);
    mp_obj_t handler = MP_STATE_VM(device_handlers)[at];
    if (count > 0 && handler != MP_OBJ_NULL) {
        call(handler, count);
    }
}

void device_interrupt(uint64_t vector) {
    waiting[vector - VECTOR_DEVICES]++;
    mp_sched_schedule_node(&nodes[vector - VECTOR_DEVICES], call_handler);
}

void device_interrupts_reset(void) {
    memset(nodes, 0, sizeof nodes);
    running = false;
    for (size_t at = 0; at < VECTORS - VECTOR_DEVICES; at++) {
        MP_STATE_VM(device_handlers)[at] = MP_OBJ_NULL;
        waiting[at] = 0;
    }
}

// set_handler(vector, function): None for nobody; what came before is not told to the next.
NATIVE_2(interrupts_set_handler, vector, function) {
    size_t at = native_get_below(vector, VECTORS, "vector") - VECTOR_DEVICES;
    if (at >= VECTORS - VECTOR_DEVICES) {
        mp_raise_ValueError(MP_ERROR_TEXT("the vector is no device's"));
    }
    waiting[at] = 0;
    MP_STATE_VM(device_handlers)[at] = function == mp_const_none ? MP_OBJ_NULL : function;
    return mp_const_none;
}

NATIVE_MODULE(interrupts,
    NATIVE_INT(FIRST, VECTOR_DEVICES), NATIVE_INT(END, VECTORS), NATIVE(interrupts, set_handler));
