// The conversions of natives.h.
#include <stdio.h>
#include <string.h>
#include "py/objtuple.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"

#define PAGE_NUMBER_BITS 52

NORETURN void native_raise_about(const mp_obj_type_t *type, const char *before, mp_obj_t value, const char *after) {
    vstr_t text;
    mp_print_t print;
    vstr_init_print(&text, 64, &print);
    mp_print_str(&print, before);
    mp_obj_print_helper(&print, value, PRINT_REPR);
    mp_print_str(&print, after);
    nlr_raise(mp_obj_new_exception_arg1(type, mp_obj_new_str_from_vstr(&text)));
}

static NORETURN void raise_out_of_range(const char *what, mp_obj_t value, uint64_t limit) {
    char before[40], after[48];
    snprintf(before, sizeof before, "%s is ", what);
    snprintf(after, sizeof after, ": must be from 0 to 0x%lx", limit - 1);
    native_raise_about(&mp_type_ValueError, before, value, after);
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
    if (big->mpz.neg && mp_obj_equal(value, mp_obj_new_int_from_ll(INT64_MIN))) {
        return INT64_MIN;       // mpz_as_int_checked() takes it for too long
    }
    mp_int_t negative;
    if (big->mpz.neg && mpz_as_int_checked(&big->mpz, &negative)) {
        return negative;
    }
    native_raise_about(&mp_type_OverflowError, "", value, " does not fit 64 bits");
}

// Numbers in frozen tuples are big ones from 0x2000 on, whatever their value: both forms count.
uint64_t native_get_below(mp_obj_t value, uint64_t limit, const char *what) {
    require_int(value);
    mp_int_t number = -1;
    if (mp_obj_is_small_int(value)) {
        number = MP_OBJ_SMALL_INT_VALUE(value);
    } else if (!mpz_as_int_checked(&((mp_obj_int_t *)MP_OBJ_TO_PTR(value))->mpz, &number)) {
        number = -1;
    }
    if (number < 0 || (uint64_t)number >= limit) {
        raise_out_of_range(what, value, limit);
    }
    return number;
}

uint64_t native_get_page(mp_obj_t number) {
    uint64_t address = native_get_below(number, 1UL << PAGE_NUMBER_BITS, "page number") << PAGE_BITS;
    if (!address_is_canonical(address)) {
        native_raise_about(&mp_type_ValueError, "page number ", number, " is not canonical");
    }
    return address;
}

uint64_t native_get_frame(mp_obj_t number) {
    return native_get_below(number, 1UL << (cpu_features.physical_bits - PAGE_BITS), "frame number") << PAGE_BITS;
}

mp_obj_t native_new_numbers(size_t count, const uint64_t *numbers) {
    mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(mp_obj_new_tuple(count, NULL));
    for (size_t i = 0; i < count; i++) {
        tuple->items[i] = native_new_u64(numbers[i]);
    }
    return MP_OBJ_FROM_PTR(tuple);
}
