// What was typed ahead, and who waits for it.
#pragma once

// After an interrupt, and when code begins; interrupts are off. While the line is held up it comes back by the timer.
void typed_ahead_watch(void);
