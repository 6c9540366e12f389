// Safe points: kernel Python that has something to catch up with (give back what was forgotten, fill the reserve of
// Python's heap) asks for one; it then runs between two bytecodes, or while the prompt waits, with Ctrl-C held back.
// Asking is allowed where nothing else is: in the collector, in an allocation, in a finaliser.
#include <string.h>
#include "py/gc.h"
#include "py/runtime.h"
#include "port/runtime/critical.h"
#include "port/runtime/safe_point.h"

static mp_sched_node_t node;

MP_REGISTER_ROOT_POINTER(mp_obj_t safe_point_function);

// What the function raises is dropped: it catches up as far as it can, and the next collection asks again.
static void run(mp_sched_node_t *self) {
    (void)self;
    nlr_buf_t nlr;
    if (MP_STATE_VM(safe_point_function) == MP_OBJ_NULL || gc_is_locked()) {
        return;
    }
    critical_hold();
    if (nlr_push(&nlr) == 0) {
        mp_call_function_0(MP_STATE_VM(safe_point_function));
        nlr_pop();
    }
    critical_release();
}

void safe_point_request(void) {
    if (MP_STATE_VM(safe_point_function) != MP_OBJ_NULL) {
        mp_sched_schedule_node(&node, run);
    }
}

void safe_point_reset(void) {
    memset(&node, 0, sizeof node);
    MP_STATE_VM(sched_head) = MP_STATE_VM(sched_tail) = NULL;       // mp_init() leaves them as they are
    // So it does with callbacks that were called long ago: what comes to lie at their places would never be collected.
    memset(MP_STATE_VM(sched_queue), 0, sizeof MP_STATE_VM(sched_queue));
    MP_STATE_VM(safe_point_function) = MP_OBJ_NULL;
}
