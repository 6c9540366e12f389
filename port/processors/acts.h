// Jobs that need no code of anybody's: one access, or many. Integers as the System V ABI passes them.
#pragma once
#include <stdint.h>

uint64_t act_read(uint64_t address);
uint64_t act_write(uint64_t address, uint64_t value);
uint64_t act_fetch(uint64_t address);
uint64_t act_spin(void);
uint64_t act_hammer(uint64_t address, uint64_t count, uint64_t step, uint64_t rounds);
uint64_t act_copy(uint64_t to, uint64_t from, uint64_t words);
uint64_t act_msr(uint64_t number);
uint64_t act_control(uint64_t number);
