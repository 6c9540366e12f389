// The log channel. Nothing here allocates or needs the interpreter to be well.
#include <stdarg.h>
#include <stdio.h>
#include "boot/layout.h"
#include "port/console/log.h"
#include "port/hardware/instructions.h"

void log_send(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        port_write_8(PORT_LOG, text[i]);
    }
}

void log_line_failed(const char *error) {
    log_print("prompt: a line failed: %s\n", error);
}

void log_print(const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_send(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}
