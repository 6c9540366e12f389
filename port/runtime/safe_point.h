// Asking for a safe point, and forgetting them at a soft reset.
#pragma once

void safe_point_request(void);
void safe_point_reset(void);
