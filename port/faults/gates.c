// Where the processor goes for each exception and interrupt: to trap_stubs.S, on which stack.
#include <stddef.h>
#include "port/faults/gates.h"
#include "port/faults/vectors.h"
#include "port/hardware/descriptors.h"

extern const uint64_t trap_stubs[VECTORS];
static gate_t gates[GATES] __attribute__((aligned(16)));

static void set_gate(size_t vector, uint64_t stack) {
    gates[vector] = gate_to(trap_stubs[vector], GATE_INTERRUPT | (vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 0), stack);
}

void gates_init(void) {
    for (size_t vector = 0; vector < VECTORS; vector++) {
        set_gate(vector, vector >= VECTOR_INTERRUPTS ? IST_INTERRUPT : 0);
    }
    set_gate(VECTOR_PAGE_FAULT, IST_PAGE_FAULT);
    set_gate(VECTOR_DOUBLE_FAULT, IST_DOUBLE_FAULT);
    set_gate(VECTOR_NON_MASKABLE, IST_NON_MASKABLE);
    set_gate(VECTOR_MACHINE_CHECK, IST_NON_MASKABLE);
    const table_register_t idtr = gates_register(gates);
    gates_load(&idtr);
}
