/*
 * The other processors: what each has of its own, and how it does jobs. They never run Python.
 *
 *   here, blocks.c  a processor's block: its tables, mailbox and stacks
 *   trampoline.S    from the firmware's hands to 64-bit mode
 *   starting.c      what the others find on their way
 *   stubs.S         where a processor arrives: from the trampoline, from exceptions and interrupts
 *   job.S           how a job is called, and how it ends
 *   processors.c    what it does: wait, attach to a root, run a job, take an exception, stop
 *   acts.c          jobs that every processor knows: loads, stores, loops
 *   viper.c         viper functions, behind a table of functions that refuse
 *   shootdown.c     "forget these translations", asked of all who may remember them
 *   _processors.c   what Python calls; which processor does what, and on which root, is decided there
 *
 *   PARKED --job--> RUNNING --its end--> ATTACHED --job--> RUNNING ...          ATTACHED --park--> PARKED
 *                   RUNNING --page fault--> ASKING --answer--> RUNNING
 *
 * A parked processor sleeps on a root of its own, which nobody frees, and is told of no shootdown. A job attaches it to
 * a root: it forgets every translation then, and is told of each change from there on, asleep or not, until it is parked.
 */
#ifndef CLEW_PORT_PROCESSORS_H
#define CLEW_PORT_PROCESSORS_H

#define PROCESSORS_MAX          64      /* a mask of them is a word; the first, number 0, runs Python and has no block */

/* A block: in frames that stay taken, seen through the physical window. Its stacks grow down from these offsets. */
#define PROCESSOR_BYTES         0x4000
#define PROCESSOR_LOOP_STACK    0x1000  /* above processor_t: what a processor waits on */
#define PROCESSOR_FAULT_STACK   0x3000
#define PROCESSOR_NMI_STACK     0x3800
#define PROCESSOR_INTERRUPT_STACK 0x4000

/* Offsets into processor_t, for the assembler: GS leads to it. */
#define PROCESSOR_SELF          0
#define PROCESSOR_HANDLERS      8
#define PROCESSOR_RECOVER       16
#define PROCESSOR_OUTCOME       24
#define PROCESSOR_RESULT        32
#define PROCESSOR_RESULT_FLOAT  40
#define PROCESSOR_ENTRY         48
#define PROCESSOR_STACK         56
#define PROCESSOR_INTEGERS      64
#define PROCESSOR_FLOATS        112
#define PROCESSOR_ARGUMENTS_END 176

/* How a job ended. */
#define OUTCOME_NONE            0
#define OUTCOME_DONE            1
#define OUTCOME_FAULT           2       /* by an exception, which is in the record */
#define OUTCOME_REFUSED         3       /* by a viper function that wanted something of MicroPython's: the result says which */
#define OUTCOME_STOPPED         4

/* Vectors of the other processors: they have gates of their own. */
#define PROCESSOR_VECTOR_WAKE   32
#define PROCESSOR_VECTOR_SHOOT  33
#define PROCESSOR_VECTOR_SPURIOUS 47
#define PROCESSOR_VECTORS       48

#define VIPER_ENTRIES           50      /* of MicroPython's table of functions that emitted code reaches */
#define WANTS_CALLBACK          50      /* what else ends a job as these do */
#define WANTS_ABORT             51

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "port/faults/traps.h"
#include "port/hardware/descriptors.h"

enum { STATE_ABSENT, STATE_PARKED, STATE_ATTACHED, STATE_RUNNING, STATE_ASKING };
enum { COMMAND_NONE, COMMAND_RUN, COMMAND_PARK };
enum { ANSWER_NONE, ANSWER_RETRY, ANSWER_FAIL };

typedef struct processor {
    struct processor *self;
    uint64_t handlers;                          // how many handlers of interrupts and exceptions it is in
    uint64_t recover;                           // the stack pointer to go back to when a job ends early; 0: no job
    volatile uint64_t outcome, result, result_float;
    uint64_t entry, stack, integers[6], floats[8];  // the job: what is called, and the registers; floats are also viper's arguments

    volatile uint32_t state, command, answer;
    volatile bool stop;                         // end the job, and answer for nobody
    uint32_t number, apic_id;
    uint64_t cr0, cr3, cr4, efer;               // of the job: those of the processor that runs Python, and the root
    uint32_t pkrs;                              // and the rights of its protection keys, at rest
    bool opens_user_pages;                      // and whether it may touch user pages just now
    uint64_t stack_bottom;
    uint32_t ask_apic_id, ask_vector;           // who is told of a page fault; a vector of 0: nobody
    volatile uint64_t root;                     // what is attached; 0: parked
    volatile uint64_t jobs, faults, shootdowns;
    trap_frame_t *frame;                        // of the exception, while ASKING
    trap_record_t record;
    descriptor_tables_t tables;
} processor_t;

_Static_assert(offsetof(processor_t, recover) == PROCESSOR_RECOVER && offsetof(processor_t, outcome) == PROCESSOR_OUTCOME
    && offsetof(processor_t, result_float) == PROCESSOR_RESULT_FLOAT && offsetof(processor_t, entry) == PROCESSOR_ENTRY
    && offsetof(processor_t, integers) == PROCESSOR_INTEGERS && offsetof(processor_t, floats) == PROCESSOR_FLOATS
    && offsetof(processor_t, state) == PROCESSOR_ARGUMENTS_END, "offsets for the assembler");
_Static_assert(sizeof(processor_t) < PROCESSOR_LOOP_STACK / 2, "the block leaves room for a stack");

extern uint64_t processors_blocks;              // where the block of number 1 is; 0: none was started
extern volatile uint64_t processors_online;     // a bit for each number that has come
extern volatile uint64_t processors_attached;   // a bit for each that may remember translations of Python's tables
extern uint32_t processors_first_apic_id;       // of the one that runs Python

static inline processor_t *processor_of(unsigned number) {
    return (processor_t *)(processors_blocks + (number - 1) * PROCESSOR_BYTES);
}
static inline processor_t *processor_self(void) {
    processor_t *self;
    __asm__ ("mov %%gs:0, %0" : "=r"(self));
    return self;
}
static inline bool processor_is_busy(const processor_t *processor) {
    return processor->command != COMMAND_NONE || processor->state >= STATE_RUNNING;
}
static inline unsigned processors_next(uint64_t *mask) {
    unsigned number = __builtin_ctzl(*mask);
    *mask &= *mask - 1;
    return number;
}

// Settings that every processor takes over as it arrives: model-specific registers, in this order.
typedef struct { uint64_t number, value; } processor_setting_t;
#define PROCESSOR_SETTINGS_MAX 64

// What all find as they arrive; the control registers are those of the one that runs Python.
typedef struct {
    gate_t gates[PROCESSOR_VECTORS] __attribute__((aligned(16)));
    processor_setting_t settings[PROCESSOR_SETTINGS_MAX];
    size_t settings_count;
    uint64_t cr0, cr4, efer;
    uint64_t stubs, stubs_bytes;                // where the code of stubs.S lies
    uint64_t root;                              // whom they are parked on: its physical address
} processors_start_t;
extern processors_start_t processors_start;
extern uint8_t processors_numbers[256];

// Before any is started. `numbers`: by APIC id, 0 for what is to stay away. The blocks are cleared.
void processors_begin(uint64_t blocks, const uint8_t numbers[256], const processor_setting_t *settings, size_t count, uint64_t root);
// Copy the trampoline to the start of a frame; processors that begin there get this root, which maps it where it lies.
void trampoline_place(uint64_t frame, uint64_t root);

// A command, for one that is not busy; it wakes up for it.
void processor_command(processor_t *processor, uint32_t command);
// Have it end its job, if it has one. It may take a while: ask again every 10 ms.
void processor_stop(processor_t *processor);
// End all jobs, park all: nobody is on a table of Python's then. Panics if one does not come back.
void processors_park_all(void);
// For the panic of any processor: the first one goes on, and interrupts the others, who halt.
void processors_stop_others(void);

// Where machine code enters Python: on another processor this ends the job instead, and does not return.
void processors_refuse_python(uint64_t wanted);

// In assembler.
extern const uint64_t processor_stubs[PROCESSOR_VECTORS];
extern const char processor_stubs_start[], processor_stubs_end[];
extern const char trampoline_start[], trampoline_root[], trampoline_end[];
typedef struct __attribute__((packed)) {
    uint32_t root, long_mode;
    uint16_t selector, gdt_limit;
    uint32_t gdt, cr4;
} trampoline_words_t;                           // at trampoline_root
extern const uint64_t processor_refusals[VIPER_ENTRIES];
void processor_call_job(void);
void processor_recover(void);
#endif

#endif
