// The log channel: QEMU's and Bochs's port 0xE9.
#pragma once
#include <stddef.h>

void log_send(const char *text, size_t length);
void log_line_failed(const char *error);        // what `make run < script` counts (tools/run.py)
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));     // at most 255 bytes
