// Time, and sleeping until something happens.
#pragma once
#include <stdint.h>

void clock_init(void);
void clock_wake_after_us(uint64_t us);
void clock_wait_for_interrupt(long timeout_ms);
