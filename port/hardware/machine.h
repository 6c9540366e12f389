// The ways to end the machine.
#pragma once
#include <stdint.h>

void machine_exit(uint32_t code) __attribute__((noreturn));
void machine_reboot(void) __attribute__((noreturn));
