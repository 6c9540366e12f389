// The PICs, for the timer and COM1, and the local APIC, which lets their interrupts through. (The vectors: vectors.h.)
#include <stddef.h>
#include "boot/layout.h"
#include "port/faults/interrupt_controllers.h"
#include "port/faults/vectors.h"
#include "port/hardware/instructions.h"
#include "port/hardware/window.h"

#define PIC_MASTER 0x20
#define PIC_SLAVE 0xa0
#define PIC_END_OF_INTERRUPT 0x20
#define APIC_ADDRESS 0xfee00000UL
#define APIC_ID 0x20
#define APIC_TASK_PRIORITY 0x80
#define APIC_END_OF_INTERRUPT 0xb0
#define APIC_SPURIOUS 0xf0
#define APIC_COMMAND 0x300
#define APIC_DESTINATION 0x310
#define APIC_COMMAND_PENDING (1 << 12)
#define APIC_LINT0 0x350
#define APIC_LINT1 0x360
#define APIC_ENABLE (1 << 8)
#define APIC_EXTERNAL 0x700
#define APIC_NON_MASKABLE 0x400

static void init_pics(void) {
    static const uint8_t settings[][2] = {
        { PIC_MASTER, 0x11 }, { PIC_SLAVE, 0x11 }, { PIC_MASTER + 1, VECTOR_INTERRUPTS }, { PIC_SLAVE + 1, VECTOR_INTERRUPTS + 8 },
        { PIC_MASTER + 1, 4 }, { PIC_SLAVE + 1, 2 }, { PIC_MASTER + 1, 1 }, { PIC_SLAVE + 1, 1 },
        { PIC_MASTER + 1, (uint8_t)~(1 << 0 | 1 << 4) }, { PIC_SLAVE + 1, 0xff },      // timer and COM1
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        port_write_8(settings[i][0], settings[i][1]);
    }
}

// qboot leaves the local APIC off, and then no interrupt of the PICs ever arrives: put it into virtual-wire mode.
static void init_apic(void) {
    volatile uint32_t *spurious = window_pointer(APIC_ADDRESS + APIC_SPURIOUS);
    volatile uint32_t *lint0 = window_pointer(APIC_ADDRESS + APIC_LINT0);
    *spurious = APIC_ENABLE | VECTOR_APIC_SPURIOUS;
    volatile uint32_t *lint1 = window_pointer(APIC_ADDRESS + APIC_LINT1);
    *lint0 = APIC_EXTERNAL;
    *lint1 = APIC_NON_MASKABLE;
}

void interrupt_controllers_init(void) {
    init_pics();
    init_apic();
}

void interrupt_controllers_end(uint64_t vector) {
    if (vector < VECTOR_PIC_SPURIOUS) {
        port_write_8(PIC_MASTER, PIC_END_OF_INTERRUPT);
    } else if (vector >= VECTOR_DEVICES) {
        *(volatile uint32_t *)window_pointer(APIC_ADDRESS + APIC_END_OF_INTERRUPT) = 0;
    }
}

static volatile uint32_t *apic(uint32_t offset) {
    return window_pointer(APIC_ADDRESS + offset);
}

void local_apic_init(uint32_t spurious) {
    *apic(APIC_SPURIOUS) = APIC_ENABLE | spurious;
    *apic(APIC_TASK_PRIORITY) = 0;
}

uint32_t local_apic_id(void) {
    return *apic(APIC_ID) >> 24;
}

void local_apic_end(void) {
    *apic(APIC_END_OF_INTERRUPT) = 0;
}

// The destination and the command are two stores: no interrupt may come in between that sends something itself.
void local_apic_send(uint32_t to, uint32_t command) {
    uint64_t flags = interrupts_disable();
    while (*apic(APIC_COMMAND) & APIC_COMMAND_PENDING) {
        processor_pause();
    }
    *apic(APIC_DESTINATION) = to << 24;
    *apic(APIC_COMMAND) = command;
    interrupts_restore(flags);
}
