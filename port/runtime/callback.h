// How machine code comes to call Python.
#pragma once

// Six of integers, eight of floats.
#define CALLBACK_REGISTERS_BYTES 112

#ifndef __ASSEMBLER__
#include <stdint.h>

// Where each thunk of a callback leads, by `call`: callback_enter.S.
void callback_enter(void);
#endif
