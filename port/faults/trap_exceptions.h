// Python exceptions of the processor's.
#pragma once
#include "py/obj.h"
#include "port/faults/traps.h"

extern const mp_obj_type_t trap_record_type, ProcessorFault_type, PageFault_type, StackOverflow_type, GeneralProtectionFault_type,
    DivideFault_type, InvalidOpcode_type, AlignmentFault_type, BreakpointTrap_type, FloatingPointFault_type;

// Build and raise the exception of a record; runs as the interrupted code.
void trap_exception_raise(const trap_record_t *record) __attribute__((noreturn));
// The exception itself; with no memory for it, one without details is raised at once.
void *trap_exception_new(const trap_record_t *record);
void trap_exception_mark_not_resolved(void *exception);
// A Record of its own.
mp_obj_t trap_exception_record(const trap_record_t *record);
