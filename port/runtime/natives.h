// What native modules have in common: how addresses and register values cross between Python and C, as small ints
// wherever they fit; and how functions and modules are made.
#pragma once
#include "py/runtime.h"
#include "py/objint.h"

// --- numbers ---

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

// Where entries of a table are seen.
static inline uint64_t *native_get_entries(mp_obj_t at) {
    uint64_t address = mp_obj_is_small_int(at) ? (uint64_t)MP_OBJ_SMALL_INT_VALUE(at) : native_get_u64(at);
    if (address & 7) {
        mp_raise_ValueError(MP_ERROR_TEXT("an entry lies at a multiple of 8"));
    }
    return (uint64_t *)address;
}
// Never negative; a small int up to 2**62 - 1, else a big one.
static inline mp_obj_t native_new_u64(uint64_t value) {
    return mp_obj_new_int_from_uint(value);
}
// A tuple of such numbers.
mp_obj_t native_new_numbers(size_t count, const uint64_t *numbers);
#define NATIVE_NUMBERS(...) native_new_numbers(sizeof (uint64_t[]){ __VA_ARGS__ } / sizeof(uint64_t), (uint64_t[]){ __VA_ARGS__ })

// --- functions and modules: `NATIVE_2(cpu_write_msr, msr, value) { ... }` has its object, and a module lists it ---

#define NATIVE_FUNCTION(name, parameters, object) static mp_obj_t name parameters; static object; static mp_obj_t name parameters
#define NATIVE_0(name) NATIVE_FUNCTION(name, (void), MP_DEFINE_CONST_FUN_OBJ_0(name##_obj, name))
#define NATIVE_1(name, a) NATIVE_FUNCTION(name, (mp_obj_t a), MP_DEFINE_CONST_FUN_OBJ_1(name##_obj, name))
#define NATIVE_2(name, a, b) NATIVE_FUNCTION(name, (mp_obj_t a, mp_obj_t b), MP_DEFINE_CONST_FUN_OBJ_2(name##_obj, name))
#define NATIVE_3(name, a, b, c) \
    NATIVE_FUNCTION(name, (mp_obj_t a, mp_obj_t b, mp_obj_t c), MP_DEFINE_CONST_FUN_OBJ_3(name##_obj, name))
#define NATIVE_BETWEEN(name, least, most, count, arguments) \
    NATIVE_FUNCTION(name, (size_t count, const mp_obj_t *arguments), MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name##_obj, least, most, name))
// More than three, and always so many.
#define NATIVE_MANY(name, number, arguments) \
    NATIVE_BETWEEN(name, number, number, name##_count __attribute__((unused)), arguments)

// What a module or the methods of a type are listed by: functions `owner_name`, numbers, and what else has an address.
#define NATIVE(owner, name) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_PTR(&owner##_##name##_obj) }
#define NATIVE_INT(name, value) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_INT(value) }
#define NATIVE_AT(name, object) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_PTR(&object) }
#define NATIVE_NAMES(names, ...) \
    static const mp_rom_map_elem_t names##_table[] = { __VA_ARGS__ }; static MP_DEFINE_CONST_DICT(names, names##_table)
// The module `_name`. The build looks for its registration with the semicolon on one preprocessed line.
#define NATIVE_MODULE(name, ...) \
    NATIVE_NAMES(name##_globals, { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__##name) }, __VA_ARGS__); \
    const mp_obj_module_t name##_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&name##_globals }; \
    MP_REGISTER_MODULE(MP_QSTR__##name, name##_module); extern const mp_obj_module_t name##_module
