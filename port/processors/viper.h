// Viper functions for processors that never enter MicroPython.
#pragma once
#include "py/obj.h"

// A copy of a viper function whose table of MicroPython's functions refuses all but arithmetic; its parts are the collector's.
// MP_OBJ_NULL for what is no viper function, or has been frozen into the image. Raises MemoryError.
mp_obj_t viper_copy(mp_obj_t function);
// Where its machine code begins: called with the function itself, how many arguments, 0, and where they lie, as objects.
uint64_t viper_entry(mp_obj_t function);
