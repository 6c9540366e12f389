// The physical window: all of RAM, and the devices' registers, at paging_mode.window + physical address.
#pragma once
#include <stdint.h>
#include "port/hardware/paging.h"

extern uint64_t window_bytes;       // how much the boot's tables show of it: boot/tables.c

static inline void *window_pointer(uint64_t physical) { return (void *)(paging_mode.window + physical); }
