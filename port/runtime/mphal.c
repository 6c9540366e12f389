// MicroPython's standard input and output over COM1.
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "shared/timeutils/timeutils.h"
#include "port/console/uart.h"
#include "port/hardware/stacks.h"
#include "port/runtime/clock.h"

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        int byte = uart_receive();
        if (byte >= 0) {
            return byte;
        }
        mp_handle_pending(true);
        stack_forget_returned_calls();
        clock_wait_for_interrupt(-1);
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t length) {
    uart_send(text, length);
    return length;
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = 0;
    if ((flags & MP_STREAM_POLL_RD) && uart_received()) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready | (flags & MP_STREAM_POLL_WR);
}

// FAT's time stamp of now: seconds / 2, minutes, hours, day, month, years since 1980.
uint32_t get_fattime(void) {
    timeutils_struct_time_t now;
    timeutils_seconds_since_epoch_to_struct_time(mp_hal_time_ns() / 1000000000UL, &now);
    return (uint32_t)(now.tm_year - 1980) << 25 | now.tm_mon << 21 | now.tm_mday << 16 | now.tm_hour << 11 | now.tm_min << 5 | now.tm_sec / 2;
}
