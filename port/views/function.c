// Machine code in a mapping, called by the System V ABI: integers in six registers, floats in eight. Letters of the result
// and of the arguments are those of `struct`; kernel Python has checked them, and the mapping's rights
// (kernel/memory/views/loaded_section.py).
// In C because only C can call by that convention: `call a native function of two integers` is 346 instructions.
#include <string.h>
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"
#include "port/views/views.h"

#define INTEGERS_MAX 6
#define FLOATS_MAX 8

typedef struct {
    view_t view;                // the borrow: shared, over the whole section
    uint64_t entry;
    char result;                // 0: none
    uint8_t count;
    char arguments[INTEGERS_MAX + FLOATS_MAX];
} function_t;

typedef uint64_t (*integer_function_t)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double, double, double, double, double, double);
typedef double (*float_function_t)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double, double, double, double, double, double, double, double);

uint32_t functions_running;

static bool is_float(char code) {
    return code == 'f' || code == 'd';
}

// offset: of the entry, in the section that begins `section_offset` bytes into the mapping.
mp_obj_t function_new(lease_t *lease, const mp_obj_t *arguments) {
    size_t results, count;
    const char *result = mp_obj_str_get_data(arguments[0], &results), *letters = mp_obj_str_get_data(arguments[1], &count);
    uint64_t offset = native_get_below(arguments[2], address_space_bytes(), "offset");
    uint64_t start = native_get_below(arguments[3], address_space_bytes(), "offset of the section");
    uint64_t length = native_get_below(arguments[4], address_space_bytes(), "length of the section");
    if (results > 1 || count > INTEGERS_MAX + FLOATS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("too many letters"));
    }
    function_t *function = (function_t *)view_borrow(lease, &function_type, sizeof *function, start, length, 1, false);
    function->entry = function->view.address + offset;
    function->result = results == 0 ? 0 : result[0];
    function->count = count;
    memcpy(function->arguments, letters, count);
    return MP_OBJ_FROM_PTR(function);
}

static mp_obj_t call(const function_t *function, const uint64_t *i, const double *d) {
    union { double real; uint64_t bits; } value;
    if (is_float(function->result)) {
        value.real = ((float_function_t)function->entry)(i[0], i[1], i[2], i[3], i[4], i[5], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
    } else {
        value.bits = ((integer_function_t)function->entry)(i[0], i[1], i[2], i[3], i[4], i[5], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
    }
    __asm__ volatile ("cld");           // promised by the ABI; copies of ours would run backwards
    return function->result == 0 ? mp_const_none : element_value(function->result, value.bits);
}

static mp_obj_t function_call(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *arguments) {
    function_t *function = MP_OBJ_TO_PTR(self);
    mp_arg_check_num(n_args, n_kw, function->count, function->count, false);
    uint64_t integers[INTEGERS_MAX] = { 0 };
    double floats[FLOATS_MAX] = { 0 };
    size_t next_integer = 0, next_float = 0;
    for (size_t i = 0; i < n_args; i++) {
        uint64_t bits = element_bits(function->arguments[i], arguments[i]);
        if (is_float(function->arguments[i])) {
            memcpy(&floats[next_float++], &bits, sizeof bits);
        } else {
            integers[next_integer++] = bits;
        }
    }
    view_require(&function->view);
    nlr_buf_t nlr;
    function->view.running++;
    functions_running++;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t value = call(function, integers, floats);
        nlr_pop();
        function->view.running--;
        functions_running--;
        return value;
    }
    function->view.running--;
    functions_running--;
    nlr_jump(nlr.ret_val);
}

static void function_attr(mp_obj_t self, qstr attribute, mp_obj_t *destination) {
    function_t *function = MP_OBJ_TO_PTR(self);
    if (destination[0] != MP_OBJ_NULL || view_load_common(&function->view, attribute, destination)) {
        return;
    }
    if (attribute == MP_QSTR_address) {
        destination[0] = native_new_u64(function->entry);
    } else if (attribute == MP_QSTR_signature) {
        char text[1 + 1 + sizeof function->arguments + 1] = { function->result };
        size_t length = function->result != 0;
        text[length++] = '(';
        memcpy(text + length, function->arguments, function->count);
        length += function->count;
        text[length++] = ')';
        destination[0] = mp_obj_new_str(text, length);
    }
}

MP_DEFINE_CONST_OBJ_TYPE(function_type, MP_QSTR_Function, MP_TYPE_FLAG_NONE, print, view_print, call, function_call, attr, function_attr);
