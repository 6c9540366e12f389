// Room in the tables of names. MicroPython fills a table of names to the last slot before it makes a larger one, so that
// a name which is not there (every builtin in every module, every method of a base class) is compared with all that
// are. After boot, the kernel's modules and classes get tables in which every other slot is empty.
#include "py/objtype.h"
#include "py/runtime.h"
#include "port/runtime/names.h"

#define SMALLEST 4      // names; in a smaller table nothing is far

static void spread(mp_map_t *map) {
    if (map->is_fixed || map->is_ordered || map->used < SMALLEST || map->alloc > 2 * map->used) {
        return;
    }
    mp_map_t roomy;
    mp_map_init(&roomy, 2 * map->used + 1);
    for (size_t i = 0; i < map->alloc; i++) {
        if (mp_map_slot_is_filled(map, i)) {
            mp_map_lookup(&roomy, map->table[i].key, MP_MAP_LOOKUP_ADD_IF_NOT_FOUND)->value = map->table[i].value;
        }
    }
    m_del(mp_map_elem_t, map->table, map->alloc);
    *map = roomy;
}

static void spread_class(mp_obj_t value) {
    if (!mp_obj_is_type(value, &mp_type_type) || !mp_obj_is_instance_type((mp_obj_type_t *)MP_OBJ_TO_PTR(value))) {
        return;
    }
    const mp_obj_type_t *type = MP_OBJ_TO_PTR(value);
    if (MP_OBJ_TYPE_HAS_SLOT(type, locals_dict)) {
        spread(&MP_OBJ_TYPE_GET_SLOT(type, locals_dict)->map);
    }
}

static void spread_module(mp_obj_t value) {
    if (!mp_obj_is_type(value, &mp_type_module)) {
        return;
    }
    mp_map_t *names = &((mp_obj_module_t *)MP_OBJ_TO_PTR(value))->globals->map;
    for (size_t i = 0; i < names->alloc; i++) {
        if (mp_map_slot_is_filled(names, i)) {
            spread_class(names->table[i].value);
        }
    }
    spread(names);
}

// Runs with no Python code on the way: nobody holds a place in one of the tables. Raises MemoryError.
void names_spread(void) {
    const mp_map_t *modules = &MP_STATE_VM(mp_loaded_modules_dict).map;
    for (size_t i = 0; i < modules->alloc; i++) {
        if (mp_map_slot_is_filled(modules, i)) {
            spread_module(modules->table[i].value);
        }
    }
}
