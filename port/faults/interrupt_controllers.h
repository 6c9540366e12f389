// What brings interrupts to the processor.
#pragma once
#include <stdint.h>

// After the boot tables: the local APIC is reached through the physical window.
void interrupt_controllers_init(void);
// An interrupt was served: the next may come.
void interrupt_controllers_end(uint64_t vector);

// The local APIC of whichever processor this is: all are at one address. SDM volume 3, "Issuing Interprocessor Interrupts".
#define APIC_FIXED 0x4000           // with a vector
#define APIC_NON_MASKABLE_TO 0x4400
void local_apic_init(uint32_t spurious_vector);
uint32_t local_apic_id(void);
void local_apic_end(void);
// Another processor, by its APIC id, is sent an interrupt command.
void local_apic_send(uint32_t to, uint32_t command);
