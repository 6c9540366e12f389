// The processor's exceptions, to the probe and back.
#include <string.h>
#include "port/faults/probe.h"
#include "port/hardware/instructions.h"

static gate_t gates[GATES] __attribute__((aligned(16)));

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
