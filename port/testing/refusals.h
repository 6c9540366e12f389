// Accesses to the physical window that the MMU refuses, so that tests can try every one.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "port/faults/traps.h"

// The n-th from now is refused; 0: none. Frames below `frames` whose byte in `spared` is not 0 don't count, nor, but for
// `every`, what goes on where the last one ended. `whole`: every later access to the same frame is refused, too.
// Returns how many were left.
uint64_t refusals_begin(uint64_t n, const uint8_t *spared, size_t frames, bool every, bool whole);
// While an access is waited for, or a frame refused, or an instruction on its way.
extern bool refusals_are_on;
// True if this exception was the price of watching, and the interrupted code may go on.
bool refusals_watch(trap_frame_t *frame);
