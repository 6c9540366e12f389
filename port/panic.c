// The log channel, and every way to end the machine. Nothing here allocates or needs the interpreter to be well.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "boot/layout.h"
#include "port/machine_control.h"

void log_send(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        port_write_8(PORT_LOG, text[i]);
    }
}

void log_print(const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_send(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

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

void boot_refuse(const char *reason) {
    static const char start[] = "clew: cannot boot: ";
    uart_send(start, sizeof start - 1);
    uart_send(reason, strlen(reason));
    uart_send("\r\n", 2);
    log_print("%s%s\n", start, reason);
    machine_exit(EXIT_VALUE_FAILURE);
}

// One line on the console so that a person sees that it is over, all of it in the log.
void panic(const char *format, ...) {
    interrupts_disable();
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    mapper_events_print();
    log_print("PANIC: %s\n", line);
    uart_send("\r\nPANIC: ", 9);
    uart_send(line, strlen(line));
    uart_send("\r\n", 2);
    machine_exit(EXIT_VALUE_FAILURE);
}
