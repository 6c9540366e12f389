// The hardware abstraction that MicroPython asks of a port.
#pragma once
#include "py/mpconfig.h"
#include "shared/runtime/interrupt_char.h"
#include "port/hardware/instructions.h"
#include "port/runtime/clock.h"

#define MICROPY_BEGIN_ATOMIC_SECTION()      interrupts_disable()
#define MICROPY_END_ATOMIC_SECTION(state)   interrupts_restore(state)

// While Python waits for something, run what is scheduled, then sleep until an interrupt.
#define MICROPY_INTERNAL_WFE(timeout_ms)    clock_wait_for_interrupt(timeout_ms)

mp_uint_t mp_hal_ticks_ms(void);
mp_uint_t mp_hal_ticks_us(void);
mp_uint_t mp_hal_ticks_cpu(void);
uint64_t mp_hal_time_ns(void);
void mp_hal_delay_ms(mp_uint_t ms);
void mp_hal_delay_us(mp_uint_t us);
void mp_hal_set_interrupt_char(int c);
void mp_hal_move_cursor_back(unsigned int columns);
void mp_hal_erase_line_from_cursor(unsigned int columns);
