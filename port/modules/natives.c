// The conversions of natives.h.
#include <string.h>
#include "port/modules/natives.h"
#include "port/machine_control.h"

#define PAGE_NUMBER_BITS 52

static NORETURN_FUNCTION void raise_out_of_range(const char *what, mp_obj_t value, uint64_t limit) {
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s is %r: must be from 0 to 0x%x%08x"), what, value,
        (unsigned)((limit - 1) >> 32), (unsigned)(limit - 1));
}

static void require_int(mp_obj_t value) {
    if (!mp_obj_is_exact_type(value, &mp_type_int) && !mp_obj_is_small_int(value)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("int expected, not %s"), mp_obj_get_type_str(value));
    }
}

uint64_t native_get_u64(mp_obj_t value) {
    if (mp_obj_is_small_int(value)) {
        return MP_OBJ_SMALL_INT_VALUE(value);
    }
    require_int(value);
    const mp_obj_int_t *big = MP_OBJ_TO_PTR(value);
    uint64_t magnitude = 0;
    if (!big->mpz.neg && mpz_as_uint_checked(&big->mpz, &magnitude)) {
        return magnitude;
    }
    mp_int_t negative;
    if (big->mpz.neg && mpz_as_int_checked(&big->mpz, &negative)) {
        return negative;
    }
    mp_raise_msg_varg(&mp_type_OverflowError, MP_ERROR_TEXT("%r does not fit 64 bits"), value);
}

uint64_t native_get_below(mp_obj_t value, uint64_t limit, const char *what) {
    if (mp_obj_is_small_int(value)) {
        mp_int_t number = MP_OBJ_SMALL_INT_VALUE(value);
        if (number >= 0 && (uint64_t)number < limit) {
            return number;
        }
    } else {
        require_int(value);
    }
    raise_out_of_range(what, value, limit);
}

uint64_t native_get_page(mp_obj_t number) {
    uint64_t address = native_get_below(number, 1UL << PAGE_NUMBER_BITS, "page number") << 12;
    if ((uint64_t)((int64_t)(address << 16) >> 16) != address) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("page number %r is not canonical"), number);
    }
    return address;
}

uint64_t native_get_frame(mp_obj_t number) {
    return native_get_below(number, 1UL << (cpu_features.physical_bits - 12), "frame number") << 12;
}
