// The last traps, and what each kind of exception is called.
#include "port/faults/trap_log.h"
#include "port/faults/vectors.h"

trap_log_entry_t trap_log[TRAP_LOG_LENGTH];
size_t trap_log_count;

trap_log_entry_t *trap_log_next(bool answered) {
    trap_log_entry_t *entry = &trap_log[trap_log_count++ % TRAP_LOG_LENGTH];
    entry->answered = answered;
    return entry;
}

static const char *const names[] = {
    [VECTOR_DIVIDE] = "divide error", [VECTOR_DEBUG] = "debug exception", [VECTOR_NON_MASKABLE] = "non-maskable interrupt",
    [VECTOR_BREAKPOINT] = "breakpoint", [VECTOR_OVERFLOW] = "overflow", [VECTOR_BOUND] = "bound range exceeded",
    [VECTOR_INVALID_OPCODE] = "invalid opcode", [VECTOR_NO_DEVICE] = "device not available", [VECTOR_DOUBLE_FAULT] = "double fault",
    [VECTOR_INVALID_TSS] = "invalid TSS", [VECTOR_SEGMENT] = "segment not present", [VECTOR_STACK] = "stack-segment fault",
    [VECTOR_GENERAL_PROTECTION] = "general protection fault", [VECTOR_PAGE_FAULT] = "page fault", [VECTOR_FLOAT] = "x87 floating-point error",
    [VECTOR_ALIGNMENT] = "alignment check", [VECTOR_MACHINE_CHECK] = "machine check", [VECTOR_SIMD] = "SIMD floating-point error",
    [VECTOR_CONTROL_PROTECTION] = "control protection fault",
};

const char *trap_name(uint64_t vector) {
    return vector < sizeof names / sizeof names[0] && names[vector] != NULL ? names[vector] : "unknown exception";
}
