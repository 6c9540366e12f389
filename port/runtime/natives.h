// How addresses and register values cross between Python and C: as small ints wherever they fit.
#pragma once
#include "py/runtime.h"
#include "py/objint.h"

// Raise an exception whose message is two texts around a value's repr.
NORETURN void native_raise_about(const mp_obj_type_t *type, const char *before, mp_obj_t value, const char *after);
// A full 64-bit value from Python: any int from -2**63 to 2**64 - 1, and nothing else (True is not a number here).
uint64_t native_get_u64(mp_obj_t value);
// A small non-negative int below `limit`.
uint64_t native_get_below(mp_obj_t value, uint64_t limit, const char *what);
// A page number (address >> 12, 52 bits) as the canonical address of its first byte.
uint64_t native_get_page(mp_obj_t number);
// A frame number as a physical address that this CPU can have.
uint64_t native_get_frame(mp_obj_t number);

// Never negative; a small int up to 2**62 - 1, else a big one.
static inline mp_obj_t native_new_u64(uint64_t value) {
    return mp_obj_new_int_from_uint(value);
}
