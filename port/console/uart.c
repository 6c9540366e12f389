// COM1, a 16550: receive by interrupt into a ring, send by polling. When the ring is full the receive interrupt is
// masked, the FIFO fills, and the host waits (QEMU and Bochs both push back): nothing is lost. That would keep back a
// Ctrl-C as well, so there is uart_look_on(): what comes is dropped then, counted, but for a Ctrl-C.
#include "boot/layout.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
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

#define RING_BYTES (1UL << 20)
static uint8_t ring[RING_BYTES];
static volatile uint64_t ring_in, ring_out;     // counted up for ever; the place is modulo RING_BYTES
static uint64_t room = RING_BYTES;
static uint64_t after_interrupt;                // the place behind the last Ctrl-C that is in the ring, as a letter
static uint64_t overruns, dropped;
// HELD: the host waits. LOOKING, only for a Ctrl-C: what comes is dropped.
static volatile enum { FLOWING, HELD, LOOKING } line;
static bool at_line_start;                      // what was dropped last ended a line

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

static void let_line_flow(void) {
    line = FLOWING;
    port_write_8(INTERRUPT_ENABLE, RECEIVE_INTERRUPT);
}

static void forget_up_to(uint64_t place) {
    dropped += place - ring_out;
    ring_out = place;
}

// Half a line would be another line: the last one of the ring goes, unless it is all there is.
static void forget_half_a_line(void) {
    uint64_t end = ring_in;
    while (end > ring_out && ring[(end - 1) % RING_BYTES] != '\r' && ring[(end - 1) % RING_BYTES] != '\n') {
        end--;
    }
    if (end > ring_out) {
        dropped += ring_in - end;
        ring_in = end;
    }
}

static void take_byte(uint8_t byte) {
    if (byte == mp_interrupt_char) {
        forget_up_to(ring_in);                  // what was typed before the interrupt is meant no more
        line = FLOWING;
        if (critical_is_held()) {
            critical_hold_interrupt();
        } else {
            mp_sched_keyboard_interrupt();
        }
    } else if (line == LOOKING) {
        dropped++;
        at_line_start = byte == '\r' || byte == '\n';
    } else {
        ring[ring_in++ % RING_BYTES] = byte;
        if (byte == CHAR_CTRL_C) {
            after_interrupt = ring_in;
        }
    }
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
        // Whole lines are dropped: until there is room again, or the code that reads nothing has come to its end.
        if (line == LOOKING && at_line_start && (mp_interrupt_char < 0 || ring_in - ring_out < room / 2)) {
            line = FLOWING;
        }
        if (line != LOOKING && ring_in - ring_out >= room) {
            port_write_8(INTERRUPT_ENABLE, 0);
            line = HELD;
            return;
        }
        take_byte(port_read_8(DATA));
    }
}

bool uart_is_held(void) {
    return line == HELD;
}

uint64_t uart_bytes_read(void) {
    return ring_out;
}

void uart_look_on(void) {
    forget_half_a_line();
    let_line_flow();
    line = LOOKING;
    at_line_start = false;
}

// Code begins to run and Ctrl-C means something from now on: one that came a moment too early, after the line that
// starts the code, interrupts it as well, and what was typed before it is meant no more.
void uart_take_early_interrupt(void) {
    uint64_t flags = interrupts_disable();
    if (after_interrupt > ring_out) {
        forget_up_to(after_interrupt);
        dropped--;                              // the Ctrl-C itself
        mp_sched_keyboard_interrupt();
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
    if (line == HELD && ring_in - ring_out < room / 2) {
        uint64_t flags = interrupts_disable();
        let_line_flow();
        uart_interrupt();
        interrupts_restore(flags);
    }
    return byte;
}

uint64_t uart_take_dropped(void) {
    uint64_t flags = interrupts_disable(), count = dropped;
    dropped = 0;
    interrupts_restore(flags);
    return count;
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

void uart_set_room(uint64_t bytes) {
    room = bytes > 0 && bytes < RING_BYTES ? bytes : RING_BYTES;
}

uint64_t uart_overruns(void) {
    return overruns;
}
