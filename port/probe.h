// One access whose outcome is recorded instead of taken: what probe_stubs.S and port/modules/_probe.c share.
#pragma once

// Offsets into probe_machine_t, for the assembler.
#define PROBE_STACK     0
#define PROBE_FLAGS     8
#define PROBE_ARMED     16
#define PROBE_VECTOR    24
#define PROBE_ERROR     32
#define PROBE_RIP       40
#define PROBE_CR2       48
#define PROBE_VALUE     56

#define PROBE_VECTORS   32

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef struct {
    uint64_t stack, flags, armed;               // where to go on, and whether an exception is awaited
    uint64_t vector, error_code, rip, cr2, value;   // how it ended; value is RAX
} probe_machine_t;

extern probe_machine_t probe_machine;
extern const uint64_t probe_stubs[PROBE_VECTORS];
// The accesses, each ended by a breakpoint at its _end; all in one page. RDI is the address, RSI what to store.
extern const char probe_read[], probe_read_end[], probe_write[], probe_write_end[];

// Go to `entry` in ring 0 or (is_user) ring 3 with these flags set besides; come back at the first exception, a
// breakpoint included, which is in probe_machine then. Interrupts are off and the probe's IDT is loaded.
void probe_perform(uint64_t address, uint64_t value, uint64_t entry, uint64_t is_user, uint64_t flags);
void probe_unexpected(uint64_t vector, uint64_t error_code, uint64_t rip) __attribute__((noreturn));
#endif
