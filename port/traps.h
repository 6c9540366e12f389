// Interrupts and exceptions: the frame that trap_stubs.S builds, and who looks at it.
#pragma once
#include <stdint.h>
#include <stdbool.h>

// As pushed by the processor (SDM volume 3, "Interrupt and Exception Handling in 64-Bit Mode") and trap_stubs.S below it.
typedef struct {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
} trap_frame_t;

enum {
    VECTOR_DIVIDE = 0, VECTOR_DEBUG = 1, VECTOR_NON_MASKABLE = 2, VECTOR_BREAKPOINT = 3, VECTOR_OVERFLOW = 4, VECTOR_BOUND = 5,
    VECTOR_INVALID_OPCODE = 6, VECTOR_NO_DEVICE = 7, VECTOR_DOUBLE_FAULT = 8, VECTOR_INVALID_TSS = 10, VECTOR_SEGMENT = 11,
    VECTOR_STACK = 12, VECTOR_GENERAL_PROTECTION = 13, VECTOR_PAGE_FAULT = 14, VECTOR_FLOAT = 16, VECTOR_ALIGNMENT = 17,
    VECTOR_MACHINE_CHECK = 18, VECTOR_SIMD = 19, VECTOR_CONTROL_PROTECTION = 21,
    VECTOR_INTERRUPTS = 32, VECTOR_TIMER = 32, VECTOR_SERIAL = 36, VECTOR_PIC_SPURIOUS = 39, VECTOR_APIC_SPURIOUS = 47,
    VECTORS = 48,
};

#define TRAP_LEVELS_MAX 5
// What was true when a trap was taken. The entries are those of the walk of `address` for a page fault:
// entries[level], valid for level_first >= level >= level_last.
typedef struct {
    uint64_t vector, error_code, address, instruction_pointer, table_root, flags;
    uint64_t entries[TRAP_LEVELS_MAX + 1];
    uint8_t level_first, level_last;
    bool not_resolved;                  // a handler said "retry", but the access would still be refused
    // As instructions number them: RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15. Not for page faults: CR2 says it all.
    uint64_t registers[16];
} trap_record_t;

// The traps that were raised or answered last: number n is at n % TRAP_LOG_LENGTH, trap_log_count have been in all.
#define TRAP_LOG_LENGTH 32
typedef struct { trap_record_t record; bool answered; } trap_log_entry_t;
extern trap_log_entry_t trap_log[TRAP_LOG_LENGTH];
extern size_t trap_log_count;

void traps_init(void);
void traps_init_devices(void);
void traps_reset(void);
void trap_dispatch(trap_frame_t *frame);
void trap_on_bad_stack(trap_frame_t *frame);
void traps_break_while_raising(void);
void trap_record_walk(trap_record_t *record);
bool trap_entry_is_malformed(uint64_t entry, int level);
const char *trap_name(uint64_t vector);

// port/modules/_traps.c: build and raise the Python exception of a record; runs as the interrupted code.
void traps_raise(const trap_record_t *record) __attribute__((noreturn));
// The exception itself; with no memory for it, one without details is raised at once.
void *traps_new_exception(const trap_record_t *record);
void traps_mark_not_resolved(void *exception);

// True while the collector runs: Python must not be entered. Set by gc_collect() in port/main.c.
extern volatile bool collector_is_running;
