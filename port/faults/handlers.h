// Ranges of pages whose faults a Python function answers. Natives: _traps.c.
#pragma once
#include "py/obj.h"
#include "port/faults/traps.h"

#define FAULT_HANDLERS_MAX 32
#define FAULT_NESTING_MAX 8         // handlers inside handlers

typedef struct {
    uint64_t first, last;           // addresses: of the first byte, of the last byte
    bool used, with_numbers, busy;
} fault_range_t;

extern fault_range_t fault_ranges[FAULT_HANDLERS_MAX];
extern size_t fault_handlers_used;

typedef enum {
    FAULT_UNHANDLED,                // no handler answers: raise the fault itself
    FAULT_RETRY,                    // the instruction can be tried again
    FAULT_RAISE,                    // raise the object in the root pointer fault_exception instead
} fault_answer_t;

bool fault_handlers_have(uint64_t address);
// Ask the handler of the range that the address is in. Runs Python on the interrupted stack.
fault_answer_t fault_handlers_answer(trap_frame_t *frame, const trap_record_t *record);
// A retried instruction that was stepped has come to its end: true if this debug exception was that.
bool fault_handlers_step_done(trap_frame_t *frame);
// An exception is pending: let the running handler see it.
void fault_handlers_interrupt(void);
void fault_handlers_reset(void);
