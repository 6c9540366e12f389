// `_finaliser`, for whoever starts Python anew.
#pragma once

void finaliser_reset(void);
