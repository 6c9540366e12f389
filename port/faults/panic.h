// The end of the machine, told.
#pragma once
#include <stdbool.h>

void boot_refuse(const char *reason) __attribute__((noreturn));
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

// Whoever knows something that helps to read a panic registers once; `say` prints into the log, before the panic's own
// line. A panic inside of it goes on with the others.
#define PANIC_SPEAKERS_MAX 8
void panic_register(void (*say)(void));

// With other processors there is more to a panic. `stop_others` lets only the first that panics go on, and stops the rest;
// it may be called again and again.
void panic_set_stop_others(void (*stop_others)(void));
// Interrupts are off and nobody else says anything from here on. panic() begins with it.
void panic_begin(void);
// Set by another processor that panics, before it interrupts the one that runs Python.
extern volatile bool panic_is_elsewhere;
// Does not return if another processor panics: its words are the last.
void panic_stay_out(void);
