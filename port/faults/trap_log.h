// What traps have been.
#pragma once
#include "port/faults/traps.h"

// The traps that were raised or answered last: number n is at n % TRAP_LOG_LENGTH, trap_log_count have been in all.
#define TRAP_LOG_LENGTH 32
typedef struct { trap_record_t record; bool answered; } trap_log_entry_t;
extern trap_log_entry_t trap_log[TRAP_LOG_LENGTH];
extern size_t trap_log_count;
// The place of the next one.
trap_log_entry_t *trap_log_next(bool answered);

const char *trap_name(uint64_t vector);
