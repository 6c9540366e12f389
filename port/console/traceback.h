// Exceptions as a person reads them. mp_obj_print_exception prints all frames.
#pragma once
#include "py/obj.h"

bool traceback_has_kernel_frames(mp_obj_t exception);

// Without the kernel's own frames. If nothing but the line that was typed is left of the traceback, one line says it all.
void traceback_print_users(const mp_print_t *print, mp_obj_t exception);
