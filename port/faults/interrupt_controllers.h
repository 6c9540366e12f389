// What brings interrupts to the processor.
#pragma once
#include <stdint.h>

// After the boot tables: the local APIC is reached through the physical window.
void interrupt_controllers_init(void);
// An interrupt was served: the next may come.
void interrupt_controllers_end(uint64_t vector);
