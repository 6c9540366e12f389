// One access in ring 0 or ring 3, and whether it succeeded.
#include <string.h>
#include "port/faults/panic.h"
#include "port/faults/probe.h"
#include "port/faults/traps.h"
#include "port/hardware/instructions.h"

#define EXECUTED_BYTES  6       // of `mov $imm32, %eax; int3`

probe_machine_t probe_machine;
static gate_t gates[GATES] __attribute__((aligned(16)));

void probe_unexpected(uint64_t vector, uint64_t error_code, uint64_t rip) {
    panic("%s at 0x%lx, error code 0x%lx: in the probe itself", trap_name(vector), rip, error_code);
}

void probe_begin(table_register_t *before) {
    *before = gates_read();
    memcpy(gates, (const void *)before->base, sizeof gates);
    for (size_t vector = 0; vector < EXCEPTIONS; vector++) {
        if (vector != VECTOR_NON_MASKABLE && vector != VECTOR_DOUBLE_FAULT && vector != VECTOR_MACHINE_CHECK) {
            gates[vector] = gate_to(probe_stubs[vector], GATE_INTERRUPT | (vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 0), 0);
        }
    }
    const table_register_t own = gates_register(gates);
    gates_load(&own);
}

// Ring 3 leaves the data segments null.
void probe_end(const table_register_t *before) {
    gates_load(before);
    __asm__ volatile ("mov %0, %%ds; mov %0, %%es" : : "r"(SELECTOR_KERNEL_DATA));
}

static uint64_t entry_point(uint64_t address, unsigned access, uint64_t user_code) {
    if ((access & PROBE_KIND) == PROBE_KIND_EXECUTE) {
        return address;
    }
    uint64_t code = (uint64_t)((access & PROBE_KIND) == PROBE_KIND_READ ? probe_read : probe_write);
    return access & PROBE_USER ? user_code + (code & (PAGE_SIZE - 1)) : code;
}

void probe_access(uint64_t address, uint64_t value, unsigned access, uint64_t user_code) {
    probe_perform(address, value, entry_point(address, access, user_code), access & PROBE_USER,
        access & PROBE_AC && !(access & PROBE_USER) ? FLAGS_AC : 0);
}

static uint64_t length_of(unsigned kind) {
    switch (kind) {
        case PROBE_KIND_READ: return probe_read_end - probe_read;
        case PROBE_KIND_WRITE: return probe_write_end - probe_write;
    }
    return EXECUTED_BYTES;
}

bool probe_succeeded(uint64_t address, unsigned access, uint64_t user_code) {
    return probe_machine.vector == VECTOR_BREAKPOINT
           && probe_machine.rip == entry_point(address, access, user_code) + length_of(access & PROBE_KIND);
}
