// What a viper function reaches of MicroPython is in one table of addresses, which is among the constants of its module. A
// copy of the function gets a copy of these constants, with another table: its entries refuse, and that ends the job.
#include <string.h>
#include "py/emitglue.h"
#include "py/gc.h"
#include "py/nativeglue.h"
#include "py/objfun.h"
#include "py/runtime.h"
#include "py/smallint.h"
#include "port/processors/processors.h"
#include "port/processors/viper.h"

enum { NONE, FALSE, TRUE, FROM_OBJECT, TO_OBJECT, FLOOR_DIVIDE = 46, MODULO = 47 };

void processor_refuse(void);

static NORETURN void refuse(uint64_t entry) {
    __asm__ volatile ("jmp processor_refuse" : : "a"(entry));
    __builtin_unreachable();
}

// Small ints and booleans are numbers in themselves; nothing else is looked at.
static uint64_t from_object(mp_obj_t object, uint64_t type) {
    if ((type & 0xf) == MP_NATIVE_TYPE_OBJ) {
        return (uint64_t)object;
    }
    if (!mp_obj_is_small_int(object)) {
        refuse(FROM_OBJECT);
    }
    return (type & 0xf) == MP_NATIVE_TYPE_BOOL ? object != MP_OBJ_NEW_SMALL_INT(0) : (uint64_t)MP_OBJ_SMALL_INT_VALUE(object);
}

static mp_obj_t to_object(uint64_t value, uint64_t type) {
    type &= 0xf;
    if (type == MP_NATIVE_TYPE_OBJ) {
        return (mp_obj_t)value;
    }
    if (type == MP_NATIVE_TYPE_BOOL) {
        return mp_obj_new_bool(value);
    }
    if (type == MP_NATIVE_TYPE_INT ? !MP_SMALL_INT_FITS((int64_t)value) : value > MP_SMALL_INT_MAX) {
        refuse(TO_OBJECT);
    }
    return MP_OBJ_NEW_SMALL_INT(value);
}

static const void *table[VIPER_ENTRIES];

static void fill_table(void) {
    memcpy(table, processor_refusals, sizeof table);
    table[NONE] = mp_const_none;
    table[FALSE] = mp_const_false;
    table[TRUE] = mp_const_true;
    table[FROM_OBJECT] = from_object;
    table[TO_OBJECT] = to_object;
    table[FLOOR_DIVIDE] = mp_fun_table.small_int_floor_divide;
    table[MODULO] = mp_fun_table.small_int_modulo;
}

mp_obj_t viper_copy(mp_obj_t function) {
    if (!mp_obj_is_type(function, &mp_type_fun_viper)) {
        return MP_OBJ_NULL;
    }
    const mp_obj_fun_bc_t *original = MP_OBJ_TO_PTR(function);
    const mp_module_constants_t *constants = &original->context->constants;
    // One block has both tables: py/bc.c.
    size_t before = (mp_obj_t *)constants->obj_table - (mp_obj_t *)constants->qstr_table;
    size_t words = gc_nbytes(constants->qstr_table) / sizeof(mp_obj_t);
    if (words <= before) {
        return MP_OBJ_NULL;
    }
    fill_table();
    size_t count = words - before;
    mp_obj_t *objects = m_new(mp_obj_t, count);
    for (size_t i = 0; i < count; i++) {
        objects[i] = constants->obj_table[i] == MP_OBJ_FROM_PTR(&mp_fun_table) ? MP_OBJ_FROM_PTR(table) : constants->obj_table[i];
    }
    mp_module_context_t *context = m_new_obj(mp_module_context_t);
    *context = *original->context;
    context->constants.obj_table = objects;
    mp_obj_fun_bc_t *copy = m_new_obj(mp_obj_fun_bc_t);
    *copy = *original;
    copy->context = context;
    return MP_OBJ_FROM_PTR(copy);
}

uint64_t viper_entry(mp_obj_t function) {
    return (uint64_t)((mp_obj_fun_bc_t *)MP_OBJ_TO_PTR(function))->bytecode;
}
