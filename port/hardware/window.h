// The physical window: all of RAM, and the devices' registers, at WINDOW_BASE + physical address.
#pragma once
#include <stdint.h>
#include "boot/layout.h"

extern uint64_t window_bytes;       // how much the boot's tables show of it: boot/tables.c

static inline void *window_pointer(uint64_t physical) { return (void *)(WINDOW_BASE + physical); }
