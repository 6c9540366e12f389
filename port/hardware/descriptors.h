// Descriptor tables as the processor reads them. Intel SDM volume 3, "System Descriptor Types", "IDT Descriptors".
#pragma once
#include <stdint.h>
#include "boot/layout.h"

#define GATES 256
#define GATE_INTERRUPT 0x8eUL       // of ring 0; interrupts are off behind it
#define GATE_RING_3 0x60UL          // may be called from there, too

typedef struct __attribute__((packed)) { uint16_t limit; uint64_t base; } table_register_t;
typedef struct { uint64_t low, high; } gate_t;

// `stack`: a slot of the interrupt stack table (IST_), or 0 for the interrupted stack.
static inline gate_t gate_to(uint64_t address, uint64_t kind, uint64_t stack) {
    return (gate_t) {
        (address & 0xffff) | (uint64_t)SELECTOR_KERNEL_CODE << 16 | stack << 32 | kind << 40 | (address >> 16 & 0xffff) << 48,
        address >> 32,
    };
}
static inline table_register_t gates_read(void) {
    table_register_t idtr;
    __asm__ volatile ("sidt %0" : "=m"(idtr));
    return idtr;
}
static inline void gates_load(const table_register_t *idtr) { __asm__ volatile ("lidt %0" : : "m"(*idtr)); }
static inline table_register_t gates_register(const gate_t *gates) {
    return (table_register_t) { GATES * sizeof(gate_t) - 1, (uint64_t)gates };
}

// The 64-bit task-state segment: only its stacks are used.
typedef struct __attribute__((packed)) {
    uint32_t reserved_0;
    uint64_t ring_stack[3];
    uint64_t reserved_1;
    uint64_t interrupt_stack[7];
    uint64_t reserved_2;
    uint16_t reserved_3, io_map;
} task_state_t;

// What each processor has of its own: a descriptor of a task is busy once it is loaded.
typedef struct {
    uint64_t segments[7] __attribute__((aligned(16)));
    task_state_t task;
} descriptor_tables_t;

// Have this processor work by them. The stacks in the task are the caller's to fill in, before.
void descriptor_tables_load(descriptor_tables_t *tables);
