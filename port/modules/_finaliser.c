// `_finaliser`: Guards, which MicroPython's user classes lack. When the collector finds a guard unreachable, the
// number that it was made with is put down in a table; nothing else happens then, because the collector is locked.
// Safe points take the numbers out again. Contracts: port/typings/_finaliser.pyi.
#include "port/modules/natives.h"
#include "port/machine_control.h"

// Guards in total, so that a finaliser always finds room to put its number down.
#define GUARDS_MAX 65536
static mp_int_t lost[GUARDS_MAX];
static size_t lost_count, guards_count;

typedef struct {
    mp_obj_base_t base;
    mp_int_t number;
    bool armed;
} guard_t;

static mp_obj_t guard_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *arguments) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    mp_int_t number = native_get_below(arguments[0], 1UL << 62, "guard number");
    if (guards_count + lost_count >= GUARDS_MAX) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("65536 guards are alive: drop some owners"));
    }
    guard_t *guard = mp_obj_malloc_with_finaliser(guard_t, type);
    guard->number = number;
    guard->armed = true;
    guards_count++;
    return MP_OBJ_FROM_PTR(guard);
}

static mp_obj_t guard_disarm(mp_obj_t self) {
    guard_t *guard = MP_OBJ_TO_PTR(self);
    if (guard->armed) {
        guard->armed = false;
        guards_count--;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(guard_disarm_obj, guard_disarm);

static mp_obj_t guard_del(mp_obj_t self) {
    guard_t *guard = MP_OBJ_TO_PTR(self);
    if (guard->armed) {
        guard->armed = false;
        guards_count--;
        lost[lost_count++] = guard->number;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(guard_del_obj, guard_del);

static void guard_attr(mp_obj_t self, qstr attribute, mp_obj_t *destination) {
    guard_t *guard = MP_OBJ_TO_PTR(self);
    if (destination[0] == MP_OBJ_NULL && attribute == MP_QSTR_number) {
        destination[0] = MP_OBJ_NEW_SMALL_INT(guard->number);
    } else if (destination[0] == MP_OBJ_NULL && attribute == MP_QSTR_armed) {
        destination[0] = mp_obj_new_bool(guard->armed);
    } else {
        destination[1] = MP_OBJ_SENTINEL;
    }
}

static const mp_rom_map_elem_t guard_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_disarm), MP_ROM_PTR(&guard_disarm_obj) },
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&guard_del_obj) },
};
static MP_DEFINE_CONST_DICT(guard_locals, guard_locals_table);
static MP_DEFINE_CONST_OBJ_TYPE(guard_type, MP_QSTR_Guard, MP_TYPE_FLAG_NONE, make_new, guard_make_new, attr, guard_attr, locals_dict, &guard_locals);

static mp_obj_t finaliser_take(void) {
    uint64_t flags = interrupts_disable();
    mp_int_t number = lost_count > 0 ? lost[--lost_count] : -1;
    interrupts_restore(flags);
    return MP_OBJ_NEW_SMALL_INT(number);
}
static MP_DEFINE_CONST_FUN_OBJ_0(finaliser_take_obj, finaliser_take);

static mp_obj_t finaliser_pending(void) { return MP_OBJ_NEW_SMALL_INT(lost_count); }
static MP_DEFINE_CONST_FUN_OBJ_0(finaliser_pending_obj, finaliser_pending);

void finaliser_reset(void) {
    lost_count = 0;
    guards_count = 0;
}

static const mp_rom_map_elem_t finaliser_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__finaliser) },
    { MP_ROM_QSTR(MP_QSTR_Guard), MP_ROM_PTR(&guard_type) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&finaliser_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_pending), MP_ROM_PTR(&finaliser_pending_obj) },
};
static MP_DEFINE_CONST_DICT(finaliser_globals, finaliser_globals_table);
const mp_obj_module_t finaliser_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&finaliser_globals };
MP_REGISTER_MODULE(MP_QSTR__finaliser, finaliser_module);
