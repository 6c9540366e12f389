// Stretches that nothing may interrupt, for C; for Python: `_critical`.
#pragma once
#include <stdbool.h>

// RecursionError unless there is stack left for what a guarded stretch may call; nothing when a guard is held.
void critical_require_room(void);
void critical_hold(void);
void critical_release(void);
bool critical_is_held(void);
void critical_hold_interrupt(void);
void critical_reset(void);
