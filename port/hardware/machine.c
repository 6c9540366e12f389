// The ways to end the machine. Nothing here allocates or needs the interpreter to be well.
#include <stdio.h>
#include "boot/layout.h"
#include "port/console/uart.h"
#include "port/hardware/bus_masters.h"
#include "port/hardware/instructions.h"
#include "port/hardware/machine.h"

#define LONG_ENOUGH 5000000                     // pauses: half a second

// QEMU ends a while after the write. Where there is no such port the machine halts, and says so: nothing more will come.
void machine_exit(uint32_t code) {
    interrupts_disable();
    bus_masters_stop();
    port_write_32(PORT_EXIT, code);
    for (int i = 0; i < LONG_ENOUGH; i++) {
        processor_pause();
    }
    char line[80];
    int length = snprintf(line, sizeof line, "\r\nclew: halted with status %u, switch the machine off\r\n", 2 * code + 1);
    uart_send(line, length);
    for (;;) {
        __asm__ volatile ("cli; hlt");
    }
}

// Through the keyboard controller, then PCI reset control: one of them is on every machine.
void machine_reboot(void) {
    interrupts_disable();
    bus_masters_stop();
    port_write_8(0xcf9, 0x06);
    port_write_8(0x64, 0xfe);
    for (;;) {
        __asm__ volatile ("cli; hlt");
    }
}
