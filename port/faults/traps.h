// Interrupts and exceptions: the frame that trap_stubs.S builds, and who looks at it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "port/hardware/paging.h"

// As pushed by the processor (SDM volume 3, "Interrupt and Exception Handling in 64-Bit Mode") and trap_stubs.S below it.
typedef struct {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
} trap_frame_t;

// What was true when a trap was taken. The entries are those of the walk of `address` for a page fault:
// entries[level], valid for level_first >= level >= level_last.
typedef struct {
    uint64_t vector, error_code, address, instruction_pointer, table_root, flags, time;
    uint64_t entries[PAGING_LEVELS_MAX + 1];
    uint8_t level_first, level_last;
    bool not_resolved;                  // a handler said "retry", but the access would still be refused
    // The owned mapping that the address was in, from its record (port/ledger/records.h); a count of 0: none.
    uint8_t mapping_kind;
    uint32_t mapping_flags;
    uint64_t mapping_first_page, mapping_count;
    bool stack_overflow;                // the stack pointer was at the guard page of the stack in use
    // As instructions number them: RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15. Not for page faults: CR2 says it all.
    uint64_t registers[16];
} trap_record_t;

void traps_reset(void);
void trap_dispatch(trap_frame_t *frame);
void trap_on_bad_stack(trap_frame_t *frame);
void traps_break_while_raising(void);
// From probe_stubs.S: an exception where none is awaited.
void probe_unexpected(uint64_t vector, uint64_t error_code, uint64_t rip) __attribute__((noreturn));
