// COM1, a 16550: receive by interrupt into a ring, send by polling. Nothing is ever dropped: when the ring is full
// the receive interrupt is masked, the FIFO fills, and the host waits (QEMU and Bochs both push back).
#include "boot/layout.h"
#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"
#include "port/console/uart.h"
#include "port/hardware/instructions.h"
#include "port/runtime/critical.h"

#define DATA (PORT_SERIAL + 0)
#define INTERRUPT_ENABLE (PORT_SERIAL + 1)
#define FIFO_CONTROL (PORT_SERIAL + 2)
#define LINE_CONTROL (PORT_SERIAL + 3)
#define MODEM_CONTROL (PORT_SERIAL + 4)
#define LINE_STATUS (PORT_SERIAL + 5)
#define LINE_DATA_READY 0x01
#define LINE_OVERRUN 0x02
#define LINE_TRANSMITTER_EMPTY 0x20
#define RECEIVE_INTERRUPT 0x01

#define RING_BYTES 8192
static uint8_t ring[RING_BYTES];
static volatile uint32_t ring_in, ring_out;     // counted up for ever; the place is modulo RING_BYTES
static volatile bool receive_masked;
static uint64_t overruns;

void uart_init(void) {
    port_write_8(INTERRUPT_ENABLE, 0);
    port_write_8(LINE_CONTROL, 0x80);
    port_write_8(DATA, 1);                      // 115200 baud
    port_write_8(INTERRUPT_ENABLE, 0);
    port_write_8(LINE_CONTROL, 0x03);
    port_write_8(FIFO_CONTROL, 0xc7);           // on, cleared, interrupt at 14 bytes: 5.2 s -> 0.6 s for 100 KB
    port_write_8(MODEM_CONTROL, 0x0b);
    port_write_8(INTERRUPT_ENABLE, RECEIVE_INTERRUPT);
}

// Move what has arrived into the ring; interrupts are off. Ctrl-C is taken out on the way when it has a meaning.
void uart_interrupt(void) {
    for (;;) {
        uint8_t status = port_read_8(LINE_STATUS);
        if (status & LINE_OVERRUN) {
            overruns++;
        }
        if (!(status & LINE_DATA_READY)) {
            return;
        }
        if (ring_in - ring_out == RING_BYTES) {
            port_write_8(INTERRUPT_ENABLE, 0);
            receive_masked = true;
            return;
        }
        uint8_t byte = port_read_8(DATA);
        if (byte == mp_interrupt_char) {
            ring_out = ring_in;                 // what was typed before the interrupt is meant no more
            if (critical_is_held()) {
                critical_hold_interrupt();
            } else {
                mp_sched_keyboard_interrupt();
            }
        } else {
            ring[ring_in++ % RING_BYTES] = byte;
        }
    }
}

// Code begins to run and Ctrl-C means something from now on: one that came a moment too early, after the line that
// starts the code, interrupts it as well, and what was typed before it is meant no more.
void uart_take_early_interrupt(void) {
    uint64_t flags = interrupts_disable();
    for (uint32_t at = ring_out; at != ring_in; at++) {
        if (ring[at % RING_BYTES] == mp_interrupt_char) {
            ring_out = at + 1;
            mp_sched_keyboard_interrupt();
        }
    }
    interrupts_restore(flags);
}

bool uart_received(void) {
    return ring_in != ring_out;
}

int uart_receive(void) {
    if (!uart_received()) {
        return -1;
    }
    int byte = ring[ring_out++ % RING_BYTES];
    if (receive_masked && ring_in - ring_out < RING_BYTES / 2) {
        uint64_t flags = interrupts_disable();
        receive_masked = false;
        uart_interrupt();
        if (!receive_masked) {
            port_write_8(INTERRUPT_ENABLE, RECEIVE_INTERRUPT);
        }
        interrupts_restore(flags);
    }
    return byte;
}

bool uart_unread(uint32_t count) {
    uint64_t flags = interrupts_disable();
    bool is_there = count <= ring_out && ring_in - ring_out + count <= RING_BYTES;
    if (is_there) {
        ring_out -= count;
    }
    interrupts_restore(flags);
    return is_there;
}

void uart_send(const char *text, size_t length) {
    for (; length > 0; length--, text++) {
        while (!(port_read_8(LINE_STATUS) & LINE_TRANSMITTER_EMPTY)) {
            processor_pause();
        }
        port_write_8(DATA, *text);
    }
}

uint64_t uart_overruns(void) {
    return overruns;
}
