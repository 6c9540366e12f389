// What another processor does: it waits, attaches itself to the root of a job, runs it, and takes its exceptions.
// Intel SDM volume 3, "Multiple-Processor Initialization", "Advanced Programmable Interrupt Controller (APIC)".
#include <stdio.h>
#include <string.h>
#include "port/faults/interrupt_controllers.h"
#include "port/faults/panic.h"
#include "port/faults/trap_reports.h"
#include "port/faults/vectors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/window.h"
#include "port/processors/processors.h"
#include "py/mphal.h"

#define GENERAL_REGISTERS_ONLY __attribute__((target("general-regs-only")))
#define RESEND_AFTER_US 10000
#define PARK_LIMIT_US 5000000UL
#define GUARD_PAGE_BYTES PAGE_SIZE

static volatile uint32_t panicking;             // the APIC id, plus 1

// --- what the one that runs Python does ---

void processors_stop_others(void) {
    uint32_t self = local_apic_id(), nobody = 0;
    if (!__atomic_compare_exchange_n(&panicking, &nobody, self + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        if (nobody == self + 1) {
            return;
        }
        for (;;) {
            __asm__ volatile ("cli; hlt");
        }
    }
    if (self != processors_first_apic_id) {
        local_apic_send(processors_first_apic_id, APIC_NON_MASKABLE_TO);
    }
    for (uint64_t left = processors_online; left != 0;) {
        const processor_t *other = processor_of(processors_next(&left));
        if (other->apic_id != self) {
            local_apic_send(other->apic_id, APIC_NON_MASKABLE_TO);
        }
    }
}

void processor_command(processor_t *processor, uint32_t command) {
    processor->stop = false;
    processor->command = command;
    local_apic_send(processor->apic_id, APIC_FIXED | PROCESSOR_VECTOR_WAKE);
}

void processor_stop(processor_t *processor) {
    processor->stop = true;
    local_apic_send(processor->apic_id, APIC_NON_MASKABLE_TO);
}

static bool is_parked(const processor_t *processor) {
    return !processor_is_busy(processor) && processor->state == STATE_PARKED;
}

static void park_or_panic(processor_t *processor) {
    uint64_t now = mp_hal_ticks_us(), end = now + PARK_LIMIT_US, again = now;
    while (!is_parked(processor)) {
        if (!processor_is_busy(processor)) {
            processor_command(processor, COMMAND_PARK);
        } else if (now >= again) {
            processor_stop(processor);
            again = now + RESEND_AFTER_US;
        }
        processor_pause();
        now = mp_hal_ticks_us();
        if (now > end) {
            panic("cpu %u does not come back to be parked", processor->number);
        }
    }
}

void processors_park_all(void) {
    for (uint64_t left = processors_online; left != 0;) {
        park_or_panic(processor_of(processors_next(&left)));
    }
}

// --- what the others do ---

static void take_gates(void) {
    const table_register_t idtr = { sizeof processors_start.gates - 1, (uint64_t)processors_start.gates };
    gates_load(&idtr);
}

static void set_up(processor_t *self) {
    const uint64_t block = (uint64_t)self;
    task_state_t *task = &self->tables.task;
    task->ring_stack[0] = block + PROCESSOR_FAULT_STACK;
    task->interrupt_stack[IST_PAGE_FAULT - 1] = block + PROCESSOR_FAULT_STACK;
    task->interrupt_stack[IST_NON_MASKABLE - 1] = block + PROCESSOR_NMI_STACK;
    task->interrupt_stack[IST_INTERRUPT - 1] = block + PROCESSOR_INTERRUPT_STACK;
    descriptor_tables_load(&self->tables);
    msr_write(MSR_GS_BASE, block);
    take_gates();
    cr4_write(processors_start.cr4);
    cr0_write(processors_start.cr0);
    msr_write(MSR_EFER, processors_start.efer);
    for (size_t i = 0; i < processors_start.settings_count; i++) {
        msr_write(processors_start.settings[i].number, processors_start.settings[i].value);
    }
    __asm__ volatile ("wbinvd; fninit");
    const uint32_t power_on = 0x1f80;           // all floating-point exceptions masked
    __asm__ volatile ("ldmxcsr %0" : : "m"(power_on));
    local_apic_init(PROCESSOR_VECTOR_SPURIOUS);
}

static GENERAL_REGISTERS_ONLY void take_keys(const processor_t *self) {
    if (cpu_features.supervisor_keys && msr_read(MSR_PKRS) != self->pkrs) {     // a write may make it forget translations
        msr_write(MSR_PKRS, self->pkrs);
    }
}

// The processor is told of changes from the moment on that it is in the mask. What it had remembered, from before, it forgets
// after that: a change is seen by the walk, or by being told.
static void attach(processor_t *self) {
    if (cr0_read() != self->cr0) {
        cr0_write(self->cr0);
    }
    if (msr_read(MSR_EFER) != self->efer) {
        msr_write(MSR_EFER, self->efer);
    }
    take_keys(self);
    if (self->root == self->cr3 && cr4_read() == self->cr4) {
        return;
    }
    __atomic_store_n(&self->root, self->cr3, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(&processors_attached, 1UL << self->number, __ATOMIC_SEQ_CST);
    cr3_write(self->cr3);
    cr4_write(self->cr4 ^ CR4_PGE);
    cr4_write(self->cr4);
}

static void park(processor_t *self) {
    cr3_write(processors_start.root);
    __atomic_and_fetch(&processors_attached, ~(1UL << self->number), __ATOMIC_SEQ_CST);
    self->root = 0;
}

static void run_job(processor_t *self) {
    attach(self);
    self->outcome = OUTCOME_NONE;
    self->state = STATE_RUNNING;
    self->command = COMMAND_NONE;
    if (self->opens_user_pages) {
        user_pages_open();
    }
    processor_call_job();
    if (self->opens_user_pages) {
        user_pages_close();
    }
    take_gates();                               // machine code may have had others, and been stopped
    self->jobs++;
    self->state = STATE_ATTACHED;
}

// On the loop stack, with interrupts off. Who asks whether it is busy looks at command and state: one of them says so.
void processor_main(processor_t *self) __attribute__((noreturn));
void processor_main(processor_t *self) {
    set_up(self);
    cr3_write(processors_start.root);
    self->state = STATE_PARKED;
    __atomic_or_fetch(&processors_online, 1UL << self->number, __ATOMIC_SEQ_CST);
    for (;;) {
        while (self->command == COMMAND_NONE) {
            interrupts_wait();
        }
        if (self->command == COMMAND_RUN) {
            run_job(self);
        } else {
            park(self);
            self->state = STATE_PARKED;
            self->command = COMMAND_NONE;
        }
    }
}

// --- handlers of exceptions and interrupts ---

static GENERAL_REGISTERS_ONLY void end_job(processor_t *self, trap_frame_t *frame, uint64_t outcome) {
    self->outcome = outcome;
    frame->rip = (uint64_t)processor_recover;
    frame->rflags &= ~(FLAGS_TRAP | FLAGS_INTERRUPT | FLAGS_DIRECTION | FLAGS_AC);
}

// It waits with interrupts on, so it goes on to be told of changes. What wakes it: an answer, or being stopped.
static bool ask(processor_t *self, trap_frame_t *frame) {
    self->frame = frame;
    self->answer = ANSWER_NONE;
    self->state = STATE_ASKING;
    local_apic_send(self->ask_apic_id, APIC_FIXED | self->ask_vector);
    while (self->answer == ANSWER_NONE && !self->stop) {
        interrupts_wait();
    }
    self->state = STATE_RUNNING;
    take_keys(self);                            // whoever answered may have chosen other rights
    return self->answer == ANSWER_RETRY && !self->stop;
}

void processor_exception(trap_frame_t *frame) {
    processor_t *self = processor_self();
    bool is_fatal = frame->vector == VECTOR_DOUBLE_FAULT || frame->vector == VECTOR_MACHINE_CHECK;
    if (is_fatal || self->recover == 0 || self->handlers != 1) {
        char who[16];
        snprintf(who, sizeof who, "cpu %u: ", self->number);
        trap_panic(frame, who, is_fatal ? "nothing can go on after this" : "not in a job");
    }
    trap_record_make(&self->record, frame);
    self->record.stack_overflow = frame->vector == VECTOR_PAGE_FAULT
        && self->record.address - (self->stack_bottom - GUARD_PAGE_BYTES) < GUARD_PAGE_BYTES;
    self->faults++;
    bool is_asked = frame->vector == VECTOR_PAGE_FAULT && self->ask_vector != 0;
    if (!is_asked || !ask(self, frame)) {
        end_job(self, frame, self->stop ? OUTCOME_STOPPED : OUTCOME_FAULT);
    }
}

// Somebody panics; or a job is to end, unless a handler is under way: then it is asked again later.
GENERAL_REGISTERS_ONLY void processor_non_maskable(trap_frame_t *frame) {
    processor_t *self = processor_self();
    while (panicking != 0) {
        __asm__ volatile ("cli; hlt");
    }
    bool in_stub = frame->rip - processors_start.stubs < processors_start.stubs_bytes;
    if (self->stop && self->recover != 0 && self->handlers == 0 && !in_stub) {
        end_job(self, frame, OUTCOME_STOPPED);
    }
}

GENERAL_REGISTERS_ONLY void processor_wake(void) {
    local_apic_end();
}
