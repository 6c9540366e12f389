// Exceptions become Python exceptions where that is safe; where it is not, a readable panic. Interrupts are served.
//
// When may an exception be raised out of the interrupted code? The policy, row by row (each side has a test):
//
//   condition at the trap                    then
//   --------------------------------------   -------------------------------------------------------------------
//   the collector runs                       panic: its tables are half way
//   interrupts were off                      panic: an atomic section would be left open
//   nobody could catch it (no nlr buffer)    panic
//   while another trap is being raised       panic: the way to raise is itself broken
//   double fault, machine check, NMI         panic: the processor does not promise a place to go on
//   stack pointer outside the stack in use   at its guard page: StackOverflow, unwound to the last handler; else panic
//   anything else in kernel code             raise the exception at the interrupted instruction
//   page fault in a range with a handler     the handler decides (handlers.c); before that, the rows above
//   debug exception behind a stepped retry   go on: the instruction has come to its end
//   an access that a test watches            go on, or as if there were no test (refusals.c); before all of the above
//
// Ring 3 and the accesses that are tried on purpose (probe.c) never come here: they have stubs of their own.
#include "py/runtime.h"
#include "py/nlr.h"
#include "boot/layout.h"
#include "port/boot/image.h"
#include "port/console/typed_ahead.h"
#include "port/console/uart.h"
#include "port/faults/device_interrupts.h"
#include "port/faults/handlers.h"
#include "port/faults/interrupt_controllers.h"
#include "port/faults/panic.h"
#include "port/faults/trap_exceptions.h"
#include "port/faults/trap_log.h"
#include "port/faults/trap_reports.h"
#include "port/faults/traps.h"
#include "port/faults/vectors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/stacks.h"
#include "port/runtime/clock.h"
#include "port/runtime/critical.h"
#include "port/runtime/heap.h"
#include "port/testing/refusals.h"

#define DR7_EXECUTE_DR0 (1UL << 10 | 1UL << 0)     // bit 10 is always set
static const trap_record_t *raised;      // what trap_exception_raise is about to turn into an exception
static volatile bool raising;

void traps_reset(void) {
    trap_log_count = 0;
    raising = false;
    collector_is_running = false;
    fault_handlers_reset();
}

void probe_unexpected(uint64_t vector, uint64_t error_code, uint64_t rip) {
    panic("%s at 0x%lx, error code 0x%lx: in the probe itself", trap_name(vector), rip, error_code);
}

static const char *why_not_raise(const trap_frame_t *frame) {
    if (frame->vector == VECTOR_DOUBLE_FAULT || frame->vector == VECTOR_MACHINE_CHECK || frame->vector == VECTOR_NON_MASKABLE) {
        return "nothing can go on after this";
    }
    if (collector_is_running) {
        return "in the garbage collector";
    }
    if (!(frame->rflags & FLAGS_INTERRUPT)) {
        return "interrupts were off";
    }
    if (MP_STATE_THREAD(nlr_top) == NULL) {
        return "nobody could catch an exception";
    }
    if (raising) {
        return "while another trap was being raised";
    }
    return NULL;
}

// --- raising ---

// Until the record is in an object of its own only the allocator runs, and a fault in the collector is a panic.
static NORETURN void raise_now(void) {
    raising = false;
    trap_exception_raise(raised);
}

// For tests: set a hardware breakpoint to the first instruction that runs when a trap is about to be raised.
void traps_break_while_raising(void) {
    __asm__ volatile ("mov %0, %%dr0; mov %1, %%dr7" : : "r"((uint64_t)raise_now), "r"((uint64_t)DR7_EXECUTE_DR0));
}

static NORETURN void raise_from_handler(void) {
    mp_obj_t exception = MP_STATE_VM(fault_exception);
    MP_STATE_VM(fault_exception) = MP_OBJ_NULL;
    raising = false;
    nlr_raise(exception);
}

static NORETURN void raise_interrupt(void) {
    mp_handle_pending(true);
    mp_raise_type(&mp_type_KeyboardInterrupt);
}

// Let the interrupted code go on in `function`, as if it had called it: its stack below, 16-byte aligned at the call.
static void redirect(trap_frame_t *frame, void (*function)(void), uint64_t stack) {
    frame->rip = (uint64_t)function;
    frame->rsp = ((stack - 128) & ~15UL) - 8;
    frame->rflags &= ~(FLAGS_TRAP | FLAGS_DIRECTION | FLAGS_AC);
}

// Is this the kernel's own code? What was frozen into the image is among it: the short commits of kernel/memory/runs, which
// Ctrl-C must not cut in two.
static bool is_of_image(uint64_t address) {
    return address >= (uint64_t)__text_start && address < (uint64_t)__text_end;
}

// Emitted loops, and machine code that was loaded, never look for a pending exception: end them here. Bytecode and the
// kernel's C look for themselves; but C may have been called by such a loop, so look again in a millisecond.
static void interrupt_code_of_users(trap_frame_t *frame) {
    if (!is_of_image(frame->rip) && why_not_raise(frame) == NULL && !critical_is_held()) {
        redirect(frame, raise_interrupt, frame->rsp);
    } else {
        clock_wake_after_us(1000);
    }
}

static void serve_interrupt(trap_frame_t *frame) {
    if (frame->vector == VECTOR_SERIAL) {
        uart_interrupt();
    } else if (frame->vector >= VECTOR_DEVICES) {
        device_interrupt(frame->vector);
    }
    typed_ahead_watch();                        // the timer has done its work by coming: it ended hlt
    interrupt_controllers_end(frame->vector);
    if (MP_STATE_MAIN_THREAD(mp_pending_exception) != MP_OBJ_NULL) {
        fault_handlers_interrupt();
        interrupt_code_of_users(frame);
    }
}

// Ask the handler; false if the fault is to be raised as if there were none.
static bool handled(trap_frame_t *frame) {
    trap_record_t record;               // on this stack: a handler may fault itself
    trap_record_make(&record, frame);
    if (record.entries[record.level_last] != 0) {
        trap_record_note_mapping(&record);
    }
    fault_answer_t answer = fault_handlers_answer(frame, &record);
    if (answer != FAULT_UNHANDLED) {
        trap_log_next(answer == FAULT_RETRY)->record = record;
    }
    if (answer == FAULT_RAISE) {
        raising = true;
        redirect(frame, raise_from_handler, frame->rsp);
    }
    return answer != FAULT_UNHANDLED;
}

static void dispatch(trap_frame_t *frame) {
    if (frame->vector >= VECTOR_INTERRUPTS) {
        serve_interrupt(frame);
        return;
    }
    if (refusals_are_on && refusals_watch(frame)) {
        return;
    }
    const char *reason = why_not_raise(frame);
    if (reason != NULL) {
        trap_panic(frame, "", reason);
    }
    if (frame->vector == VECTOR_DEBUG && fault_handlers_step_done(frame)) {
        return;
    }
    if (frame->vector == VECTOR_PAGE_FAULT && fault_handlers_have(cr2_read()) && handled(frame)) {
        return;
    }
    trap_record_t *record = &trap_log_next(false)->record;
    trap_record_make(record, frame);
    if (frame->vector == VECTOR_PAGE_FAULT) {
        trap_record_note_mapping(record);
    }
    raised = record;
    raising = true;
    redirect(frame, raise_now, frame->rsp);
}

// Whoever was interrupted meant to write behind the guard, or to touch user pages; nobody here does.
static keys_t rest(const trap_frame_t *frame) {
    if (frame->rflags & FLAGS_AC && cpu_features.user_pages_kept_off) {
        user_pages_close();
    }
    return keys_rest();
}

void trap_dispatch(trap_frame_t *frame) {
    keys_t before = rest(frame);
    const uint64_t rip = frame->rip;
    dispatch(frame);
    if (frame->rip != rip) {
        before.storing = false;                 // something is raised: the store has ended, commits end as they are left
    }
    keys_resume(&before);
}

// Where the stack pointer was when the last handler of exceptions was set up: what lies there and above is in use.
static uint64_t stack_of_handler(void) {
    return (uint64_t)MP_STATE_THREAD(nlr_top)->regs[2];         // RSP: py/nlrx64.c
}

// A page fault whose stack pointer is not inside the stack in use, or near its end. No handler of exceptions lies on
// another stack (port/runtime/_stack.c), so everything deeper than the last one is lost, and its stack has room.
void trap_on_bad_stack(trap_frame_t *frame) {
    keys_t before = rest(frame);
    uint64_t guard = stack_in_use.bottom - PAGE_SIZE;
    bool overflow = frame->rsp >= guard - PAGE_SIZE && frame->rsp < guard + 2 * PAGE_SIZE;
    const char *reason = why_not_raise(frame);
    if (!overflow || reason != NULL) {
        trap_panic(frame, "", overflow ? reason : "the stack pointer is outside of the stack in use");
    }
    trap_record_t *record = &trap_log_next(false)->record;
    trap_record_make(record, frame);
    record->stack_overflow = true;
    raised = record;
    raising = true;
    redirect(frame, raise_now, stack_of_handler());
    before.storing = false;
    keys_resume(&before);
}
