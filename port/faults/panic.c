// Giving up: what is told, and to whom. Nothing here allocates or needs the interpreter to be well.
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "boot/layout.h"
#include "port/console/log.h"
#include "port/console/uart.h"
#include "port/faults/panic.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/machine.h"

static void (*speakers[PANIC_SPEAKERS_MAX])(void);
static size_t speakers_count, speakers_heard;

static void (*stop_others)(void);

void panic_set_stop_others(void (*function)(void)) {
    stop_others = function;
}

void panic_begin(void) {
    interrupts_disable();
    keys_reset();
    if (stop_others != NULL) {
        stop_others();
    }
}

void panic_register(void (*say)(void)) {
    if (speakers_count == PANIC_SPEAKERS_MAX) {
        panic("more than %d have something to say at a panic", PANIC_SPEAKERS_MAX);
    }
    speakers[speakers_count++] = say;
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
    panic_begin();
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    while (speakers_heard < speakers_count) {
        speakers[speakers_heard++]();           // counted first: what panics here is not asked again
    }
    log_print("PANIC: %s\n", line);
    uart_send("\r\nPANIC: ", 9);
    uart_send(line, strlen(line));
    uart_send("\r\n", 2);
    machine_exit(EXIT_VALUE_FAILURE);
}

void abort(void) {
    panic("abort() was called");
}
