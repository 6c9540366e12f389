// How many levels of tables the machine has from here on.
#pragma once

// Once, on the entry tables, interrupts off, before anything else knows how many there are. What can't be meant is refused;
// where the CPU has no five, a line says so.
void depth_choose(void);
void five_levels_enter(void);       // boot/long_mode.S
