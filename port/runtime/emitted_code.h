// Machine code that Python's emitters wrote. emitted_code_commit() is declared in mpconfigport.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void emitted_code_reset(void);
bool emitted_code_contains(uint64_t address);
