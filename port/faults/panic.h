// The end of the machine, told.
#pragma once

void boot_refuse(const char *reason) __attribute__((noreturn));
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

// Whoever knows something that helps to read a panic registers once; `say` prints into the log, before the panic's own
// line. A panic inside of it goes on with the others.
#define PANIC_SPEAKERS_MAX 8
void panic_register(void (*say)(void));

// With other processors there is more to a panic. `stop_others` lets only the first that panics go on, and stops the rest,
// by a non-maskable interrupt; it may be called again and again.
void panic_set_stop_others(void (*stop_others)(void));
// Interrupts are off and nobody else says anything from here on. panic() begins with it.
void panic_begin(void);
