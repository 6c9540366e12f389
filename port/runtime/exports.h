// The functions of the kernel that loaded objects may call.
#pragma once
#include "py/obj.h"

mp_obj_t exports_new(void);     // a dict: name -> address
