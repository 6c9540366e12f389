/*
 * One access whose outcome is recorded instead of taken: what probe_stubs.S does, and who makes use of it. Interrupts are
 * off and the processor's exceptions go to the stubs from probe_begin() to probe_end().
 *
 *   here             one access: from where, and did it succeed?
 *   probe.c          the exceptions diverted
 *   probe_tables.c   the tables: a root of the probe's own, ring 3's code in that or in the active one
 *   probe_cases.c    many cases on that root: every combination of some bits of the entries, times some accesses
 *   _probe.c         what Python calls
 */
#ifndef CLEW_PORT_FAULTS_PROBE_H
#define CLEW_PORT_FAULTS_PROBE_H

/* Offsets into probe_machine_t, for the assembler. */
#define PROBE_STACK     0
#define PROBE_FLAGS     8
#define PROBE_ARMED     16
#define PROBE_VECTOR    24
#define PROBE_ERROR     32
#define PROBE_RIP       40
#define PROBE_CR2       48
#define PROBE_VALUE     56
#define PROBE_MACHINE_BYTES 64

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>
#include "port/faults/vectors.h"
#include "port/hardware/descriptors.h"
#include "port/hardware/registers.h"

typedef struct {
    uint64_t stack, flags, armed;               // where to go on, and whether an exception is awaited
    uint64_t vector, error_code, rip, cr2, value;   // how it ended; value is RAX
} probe_machine_t;

_Static_assert(sizeof(probe_machine_t) == PROBE_MACHINE_BYTES, "probe_machine");

extern probe_machine_t probe_machine;
extern const uint64_t probe_stubs[EXCEPTIONS];
// The accesses, each ended by a breakpoint at its _end; all in one page. RDI is the address, RSI what to store.
extern const char probe_read[], probe_read_end[], probe_write[], probe_write_end[];

// Go to `entry` in ring 0 or (is_user) ring 3 with these flags set besides; come back at the first exception, a
// breakpoint included, which is in probe_machine then.
void probe_perform(uint64_t address, uint64_t value, uint64_t entry, uint64_t is_user, uint64_t flags);

// An access is a kind and flags.
enum { PROBE_KIND_READ, PROBE_KIND_WRITE, PROBE_KIND_EXECUTE };
#define PROBE_KIND      3
#define PROBE_USER      4
#define PROBE_PRIMED    8       // a supervisor's read first, so that the translation is cached
#define PROBE_AC        16      // RFLAGS.AC set, in ring 0
#define PROBE_ACCESSES  32
#define PROBE_EXECUTED_BYTES 6  // of `mov $imm32, %eax; int3`

void probe_begin(table_register_t *before);
void probe_end(const table_register_t *before);

static inline uint64_t probe_entry_point(uint64_t address, unsigned access, uint64_t user_code) {
    if ((access & PROBE_KIND) == PROBE_KIND_EXECUTE) {
        return address;
    }
    uint64_t code = (uint64_t)((access & PROBE_KIND) == PROBE_KIND_READ ? probe_read : probe_write);
    return access & PROBE_USER ? user_code + (code & (PAGE_SIZE - 1)) : code;
}

// `user_code`: where the page of probe_read is mapped for ring 3.
static inline void probe_access(uint64_t address, uint64_t value, unsigned access, uint64_t user_code) {
    probe_perform(address, value, probe_entry_point(address, access, user_code), access & PROBE_USER,
        access & PROBE_AC && !(access & PROBE_USER) ? FLAGS_AC : 0);
}

static inline uint64_t probe_length_of(unsigned kind) {
    switch (kind) {
        case PROBE_KIND_READ: return probe_read_end - probe_read;
        case PROBE_KIND_WRITE: return probe_write_end - probe_write;
    }
    return PROBE_EXECUTED_BYTES;
}

// Did the last access, which was this one, end where it should?
static inline bool probe_succeeded(uint64_t address, unsigned access, uint64_t user_code) {
    return probe_machine.vector == VECTOR_BREAKPOINT
           && probe_machine.rip == probe_entry_point(address, access, user_code) + probe_length_of(access & PROBE_KIND);
}
#endif

#endif
