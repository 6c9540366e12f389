// Machine code that Python's emitters wrote. emitted_code_commit() is declared in mpconfigport.h.
#pragma once

void emitted_code_reset(void);
