// What the local APIC brings for devices: see _interrupts.c.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// With interrupts off. The handler is called when Python is next at a place for that.
void device_interrupt(uint64_t vector);
bool device_handler_is_running(void);
// What has come and nobody was told: forgotten. With interrupts off, before the scheduler's list of nodes is emptied.
void device_interrupts_reset(void);
