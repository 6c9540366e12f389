// Fault handlers in Python: found by address, run on the interrupted stack, and then the access is tried again.
//
// A handler can't hang the machine:
//   it faults in its own range        the fault is raised inside it
//   handlers nest too deep            the fault is raised in the innermost
//   it says "retry" but the tables    the fault is raised, with `.not_resolved` true
//     still refuse the access
//   two pages of one instruction      the instruction is stepped: when it has not come to its end after
//     take each other's frame         RETRIES_MAX faults in a row, the fault is raised, with `.not_resolved` true
//   it never returns                  Ctrl-C ends it like any Python
//
// In C because it goes on at the interrupted instruction, with its registers. Who may have which range, and what a
// handler does, is Python's.
#include <string.h>
#include "py/runtime.h"
#include "boot/layout.h"
#include "port/faults/device_interrupts.h"
#include "port/faults/handlers.h"
#include "port/faults/trap_exceptions.h"
#include "port/faults/walk.h"
#include "port/hardware/instructions.h"
#include "port/runtime/critical.h"

#define RETRIES_MAX     16          // one instruction touches fewer pages than that

fault_range_t fault_ranges[FAULT_HANDLERS_MAX];
size_t fault_handlers_used;
static size_t nesting;
// The instruction that was retried last, with all its registers: a loop that comes by again gets stepped.
typedef struct { uint64_t registers[15], rip; unsigned times; bool stepping; } retried_t;
static retried_t retried;

MP_REGISTER_ROOT_POINTER(mp_obj_t fault_handlers[32]);     // the list of root pointers knows no macros
_Static_assert(FAULT_HANDLERS_MAX == sizeof mp_state_ctx.vm.fault_handlers / sizeof(mp_obj_t), "fault_handlers");
MP_REGISTER_ROOT_POINTER(mp_obj_t fault_exception);

void fault_handlers_reset(void) {
    memset(fault_ranges, 0, sizeof fault_ranges);
    memset(&retried, 0, sizeof retried);
    nesting = fault_handlers_used = 0;
    for (size_t i = 0; i < FAULT_HANDLERS_MAX; i++) {
        MP_STATE_VM(fault_handlers)[i] = MP_OBJ_NULL;
    }
    MP_STATE_VM(fault_exception) = MP_OBJ_NULL;
}

// --- going on ---

// True while the instruction may be tried once more. The same one with the same registers is stepped: the debug
// exception behind it proves that it came to its end.
static bool may_retry(trap_frame_t *frame) {
    bool again = retried.rip == frame->rip && memcmp(retried.registers, frame, sizeof retried.registers) == 0;
    if (!again) {
        memcpy(retried.registers, frame, sizeof retried.registers);
        retried.rip = frame->rip;
        retried.times = 0;
        retried.stepping = false;
        frame->rflags &= ~FLAGS_TRAP;
        return true;
    }
    if (++retried.times >= RETRIES_MAX) {
        memset(&retried, 0, sizeof retried);
        return false;
    }
    retried.stepping = true;
    frame->rflags |= FLAGS_TRAP;
    return true;
}

bool fault_handlers_step_done(trap_frame_t *frame) {
    if (!retried.stepping) {
        return false;
    }
    memset(&retried, 0, sizeof retried);
    frame->rflags &= ~FLAGS_TRAP;
    return true;
}

static int range_of(uint64_t address) {
    for (int i = 0; i < FAULT_HANDLERS_MAX; i++) {
        if (fault_ranges[i].used && address >= fault_ranges[i].first && address <= fault_ranges[i].last) {
            return i;
        }
    }
    return -1;
}

bool fault_handlers_have(uint64_t address) {
    return fault_handlers_used > 0 && range_of(address) >= 0;
}

// Run the handler; what is to be raised, or MP_OBJ_NULL: then the access can be retried.
static mp_obj_t call_handler(int index, trap_frame_t *frame, const trap_record_t *record) {
    mp_obj_t fault = MP_OBJ_NULL, handler = MP_STATE_VM(fault_handlers)[index], answer;
    retried_t before = retried;         // the handler's own retries are no progress of this one
    if (fault_ranges[index].with_numbers) {
        answer = mp_call_function_2(handler, MP_OBJ_NEW_SMALL_INT(record->address / PAGE_SIZE), MP_OBJ_NEW_SMALL_INT(record->error_code));
    } else {
        fault = MP_OBJ_FROM_PTR(trap_exception_new(record));
        answer = mp_call_function_1(handler, fault);
    }
    retried = before;
    bool wants_retry = answer == mp_const_true;
    if (wants_retry && fault_is_resolved(record) && may_retry(frame)) {
        return MP_OBJ_NULL;
    }
    if (fault == MP_OBJ_NULL) {
        fault = MP_OBJ_FROM_PTR(trap_exception_new(record));
    }
    if (wants_retry) {
        trap_exception_mark_not_resolved(MP_OBJ_TO_PTR(fault));
    }
    return fault;
}

// Callbacks of others don't run in the middle of an instruction: the scheduler is locked while a handler runs. What was
// before is put back by hand, because fault_handlers_interrupt() may have taken the lock away.
static void restore_scheduler(int before) {
    bool waiting = mp_sched_num_pending() > 0 || MP_STATE_VM(sched_head) != NULL
        || MP_STATE_MAIN_THREAD(mp_pending_exception) != MP_OBJ_NULL;
    MP_STATE_VM(sched_state) = before < 0 ? before : waiting ? MP_SCHED_PENDING : MP_SCHED_IDLE;
}

// Ctrl-C was typed: bytecode looks for it only while the scheduler is not locked.
void fault_handlers_interrupt(void) {
    if ((nesting > 0 || device_handler_is_running()) && !critical_is_held()) {
        MP_STATE_VM(sched_state) = MP_SCHED_PENDING;
    }
}

fault_answer_t fault_handlers_answer(trap_frame_t *frame, const trap_record_t *record) {
    int index = range_of(record->address);
    if (index < 0 || fault_ranges[index].busy || nesting >= FAULT_NESTING_MAX) {
        return FAULT_UNHANDLED;
    }
    nlr_buf_t nlr;
    mp_obj_t to_raise;
    fault_ranges[index].busy = true;
    nesting++;
    int scheduler_before = MP_STATE_VM(sched_state);
    mp_sched_lock();
    interrupts_enable();
    if (nlr_push(&nlr) == 0) {
        to_raise = call_handler(index, frame, record);
        nlr_pop();
    } else {
        to_raise = MP_OBJ_FROM_PTR(nlr.ret_val);
    }
    interrupts_disable();
    restore_scheduler(scheduler_before);
    nesting--;
    fault_ranges[index].busy = false;
    if (to_raise == MP_OBJ_NULL) {
        return FAULT_RETRY;
    }
    memset(&retried, 0, sizeof retried);
    MP_STATE_VM(fault_exception) = to_raise;
    return FAULT_RAISE;
}
