// A Ctrl-C must get through however much was typed ahead of it: code that reads nothing for a while has no claim to
// what waits on the serial line.
#include "py/mphal.h"
#include "shared/runtime/interrupt_char.h"
#include "port/console/typed_ahead.h"
#include "port/console/uart.h"
#include "port/hardware/instructions.h"
#include "port/runtime/clock.h"

#define CLAIM_MS 1000
#define TICK_US 50000

void typed_ahead_watch(void) {
    static bool watching;
    static uint64_t bytes_read, since_ms;
    if (!uart_is_held() || mp_interrupt_char < 0) {
        watching = false;
        return;
    }
    uint64_t now_ms = mp_hal_ticks_ms();
    if (!watching || bytes_read != uart_bytes_read()) {
        watching = true;
        bytes_read = uart_bytes_read();
        since_ms = now_ms;
    } else if (now_ms - since_ms >= CLAIM_MS) {
        uart_look_on();
        return;
    }
    clock_wake_after_us(TICK_US);
}
