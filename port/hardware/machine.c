// The ways to end the machine. Nothing here allocates or needs the interpreter to be well.
#include "boot/layout.h"
#include "port/hardware/instructions.h"
#include "port/hardware/machine.h"

// QEMU ends a while after the write: spin until it does. Elsewhere (no such port) stay halted.
void machine_exit(uint32_t code) {
    interrupts_disable();
    port_write_32(PORT_EXIT, code);
    for (;;) {
        __asm__ volatile ("cli; hlt");
    }
}

// Through the keyboard controller, then PCI reset control: one of them is on every machine.
void machine_reboot(void) {
    interrupts_disable();
    port_write_8(0xcf9, 0x06);
    port_write_8(0x64, 0xfe);
    for (;;) {
        __asm__ volatile ("cli; hlt");
    }
}
