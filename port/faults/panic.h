// The end of the machine, told.
#pragma once

void boot_refuse(const char *reason) __attribute__((noreturn));
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

// Whoever knows something that helps to read a panic registers once; `say` prints into the log, before the panic's own
// line. A panic inside of it goes on with the others.
#define PANIC_SPEAKERS_MAX 8
void panic_register(void (*say)(void));
