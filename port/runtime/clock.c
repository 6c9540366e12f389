// Time, and sleeping until something happens. There is no periodic tick: nothing disturbs instruction counts.
// The HPET's main counter tells the time (IA-PC HPET Specification 1.0a); without one, the time-stamp counter,
// calibrated once against the PIT. The PIT's channel 0 wakes the processor from hlt.
#include "py/runtime.h"
#include "py/mphal.h"
#include "shared/timeutils/timeutils.h"
#include "boot/layout.h"
#include "port/console/uart.h"
#include "port/hardware/instructions.h"
#include "port/hardware/window.h"
#include "port/runtime/clock.h"

#define HPET_ADDRESS 0xfed00000UL
#define HPET_CAPABILITIES 0x00
#define HPET_CONFIGURATION 0x10
#define HPET_MAIN_COUNTER 0xf0
#define HPET_ENABLE 1UL

#define PIT_CHANNEL_0 0x40
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61
#define PIT_HERTZ 1193182UL
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

static bool have_hpet;
static uint64_t hpet_period_femtoseconds;
static uint64_t tsc_hertz;
static uint64_t start_count;
static uint64_t epoch_seconds_at_start;

static volatile uint64_t *hpet(uint64_t offset) {
    return window_pointer(HPET_ADDRESS + offset);
}

static uint64_t count(void) {
    return have_hpet ? *hpet(HPET_MAIN_COUNTER) : tsc_read();
}

static uint64_t elapsed_us(void) {
    uint64_t counts = count() - start_count;
    if (have_hpet) {
        return counts * (hpet_period_femtoseconds / 1000) / 1000000;    // picoseconds fit 64 bits for 213 days
    }
    return counts / (tsc_hertz / 1000000);
}

// 10 ms on the PIT's channel 2, whose output can be read back: no interrupt needed.
static void calibrate_tsc(void) {
    uint32_t ticks = PIT_HERTZ / 100;
    port_write_8(PIT_GATE, (port_read_8(PIT_GATE) & ~2) | 1);
    port_write_8(PIT_COMMAND, 0xb0);
    port_write_8(PIT_CHANNEL_2, ticks);
    port_write_8(PIT_CHANNEL_2, ticks >> 8);
    uint64_t start = tsc_read();
    while (!(port_read_8(PIT_GATE) & 0x20)) {
    }
    tsc_hertz = (tsc_read() - start) * 100;
    if (tsc_hertz < 1000000) {
        tsc_hertz = 1000000;
    }
}

static uint8_t cmos_read(uint8_t index) {
    port_write_8(CMOS_INDEX, index);
    return port_read_8(CMOS_DATA);
}

static uint32_t from_bcd(uint8_t value, bool binary) {
    return binary ? value : (value >> 4) * 10 + (value & 15);
}

static uint64_t read_wall_clock(void) {
    while (cmos_read(0x0a) & 0x80) {            // an update is in progress
    }
    bool binary = cmos_read(0x0b) & 4;
    uint32_t year = 2000 + from_bcd(cmos_read(9), binary);
    return timeutils_seconds_since_epoch(year, from_bcd(cmos_read(8), binary), from_bcd(cmos_read(7), binary),
        from_bcd(cmos_read(4) & 0x7f, binary), from_bcd(cmos_read(2), binary), from_bcd(cmos_read(0), binary));
}

void clock_init(void) {
    uint64_t capabilities = *hpet(HPET_CAPABILITIES);
    hpet_period_femtoseconds = capabilities >> 32;
    have_hpet = hpet_period_femtoseconds != 0 && hpet_period_femtoseconds <= 100000000UL;
    if (have_hpet) {
        *hpet(HPET_CONFIGURATION) |= HPET_ENABLE;
    } else {
        calibrate_tsc();
    }
    start_count = count();
    epoch_seconds_at_start = read_wall_clock();
}

// An interrupt of the timer after so long, at most 50 ms.
void clock_wake_after_us(uint64_t us) {
    if (us > 50000) {
        us = 50000;                             // the counter has 16 bits: 54.9 ms
    }
    uint32_t ticks = us * PIT_HERTZ / 1000000 + 1;
    port_write_8(PIT_COMMAND, 0x30);            // channel 0, one shot
    port_write_8(PIT_CHANNEL_0, ticks);
    port_write_8(PIT_CHANNEL_0, ticks >> 8);
}

// Sleep until an interrupt, at most timeout_ms (for ever when negative). Comes back early when something is pending.
void clock_wait_for_interrupt(long timeout_ms) {
    uint64_t flags = interrupts_disable();
    if (!uart_received() && MP_STATE_MAIN_THREAD(mp_pending_exception) == MP_OBJ_NULL && !mp_sched_num_pending()
        && MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
        if (timeout_ms >= 0) {
            clock_wake_after_us(timeout_ms * 1000UL + 1);
        }
        interrupts_wait();
    }
    interrupts_restore(flags);
}

mp_uint_t mp_hal_ticks_us(void) {
    return elapsed_us();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return elapsed_us() / 1000;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return tsc_read();
}

uint64_t mp_hal_time_ns(void) {
    return epoch_seconds_at_start * 1000000000UL + elapsed_us() * 1000;
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = elapsed_us() + us;
    while (elapsed_us() < end) {
        processor_pause();
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = elapsed_us() + ms * 1000;
    for (;;) {
        mp_handle_pending(true);
        uint64_t now = elapsed_us();
        if (now >= end) {
            return;
        }
        clock_wait_for_interrupt((end - now) / 1000);
    }
}

unsigned long clock_random_seed(void) {
    return tsc_read() ^ epoch_seconds_at_start << 20;
}
