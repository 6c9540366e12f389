// Classes whose objects take no attributes from outside: a flag of the type that MicroPython leaves free.
#pragma once

#define TYPE_FLAG_SEALED 0x8000
