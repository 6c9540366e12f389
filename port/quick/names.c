// Names: globals, attributes, methods. Looking them up was the largest part of running Python after the loop over
// bytecode itself. What MicroPython does stays as it is; the common answers are found before its general functions save
// registers and prepare for everything. mpconfigport.h and port.mk (--wrap) lead the calls here.
//
// * mp_map_lookup, mp_load_global: MicroPython remembers for each name where it was found last, in whatever table. That
//   place is looked at first, here as there. Then, when all keys are names and so is this one, two keys are equal when
//   their words are: a small table is searched from end to end, a hashed one from the name's slot to the first empty
//   one. A name that isn't there, such as a method in an instance's own table, costs half of what it did.
// * mp_load_method: an instance's own table, then its class and the class's single bases, as long as these are classes
//   of Python; found is either a value of the instance or a plain function, which is bound to it. What MicroPython
//   answers before looking (__class__, __next__) or in between (__dict__), and all else that a class can hold, is left
//   to it.
// * mp_store_attr: into an instance's own table, unless its class has a property, a descriptor or a __setattr__, or is
//   sealed.
//
// Saves (guest instructions): create_mapping and drop 13,129 to 12,074, a typed handler 9,341 to 8,495, an object with
// one attribute 1,526 to 1,366.
#include "py/objtype.h"
#include "py/runtime.h"
#include "port/quick/sealed.h"

#define FEW 12      // slots, compared quicker than a name's hash is found

mp_map_elem_t *mp_map_lookup_of_any(mp_map_t *map, mp_obj_t key, mp_map_lookup_kind_t kind);
mp_obj_t mp_load_global_of_any(qstr name);
void __real_mp_load_method(mp_obj_t object, qstr name, mp_obj_t *found);
void __real_mp_load_super_method(qstr name, mp_obj_t *found);
void __real_mp_store_attr(mp_obj_t object, qstr name, mp_obj_t value);

// The cache of py/map.c.
static inline uint8_t *last_place(mp_obj_t key) {
    return &MP_STATE_VM(map_lookup_cache)[((uintptr_t)key >> 2) % MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE];
}

static inline mp_map_elem_t *at_last_place(const mp_map_t *map, mp_obj_t key) {
    if (map->alloc) {
        mp_map_elem_t *slot = &map->table[*last_place(key) % map->alloc];
        if (slot->key == key) {
            return slot;
        }
    }
    return NULL;
}

static mp_map_elem_t *find_in_few(const mp_map_t *map, mp_obj_t key) {
    for (size_t at = 0; at < map->alloc; at++) {
        if (map->table[at].key == key) {
            *last_place(key) = at;
            return &map->table[at];
        }
    }
    return NULL;
}

static mp_map_elem_t *find_by_hash(const mp_map_t *map, mp_obj_t key) {
    size_t first = qstr_hash(MP_OBJ_QSTR_VALUE(key)) % map->alloc, at = first;
    do {
        mp_map_elem_t *slot = &map->table[at];
        if (slot->key == key) {
            *last_place(key) = at;
            return slot;
        }
        if (slot->key == MP_OBJ_NULL) {
            return NULL;
        }
        at = at + 1 < map->alloc ? at + 1 : 0;
    } while (at != first);
    return NULL;
}

mp_map_elem_t *mp_map_lookup(mp_map_t *map, mp_obj_t key, mp_map_lookup_kind_t kind) {
    if (kind == MP_MAP_LOOKUP) {
        mp_map_elem_t *slot = at_last_place(map, key);
        if (slot) {
            return slot;
        }
        if (map->all_keys_are_qstrs && mp_obj_is_qstr(key)) {
            if (map->alloc <= FEW) {
                return find_in_few(map, key);
            }
            if (!map->is_ordered) {
                return find_by_hash(map, key);
            }
        }
    }
    return mp_map_lookup_of_any(map, key, kind);
}

mp_obj_t mp_load_global(qstr name) {
    mp_map_elem_t *slot = at_last_place(&mp_globals_get()->map, MP_OBJ_NEW_QSTR(name));
    return slot ? slot->value : mp_load_global_of_any(name);
}

static inline mp_obj_instance_t *instance_of_class(mp_obj_t object) {
    mp_obj_instance_t *self = MP_OBJ_TO_PTR(object);
    return mp_obj_is_obj(object) && mp_obj_is_instance_type(self->base.type) ? self : NULL;
}

static mp_obj_t function_of_class(const mp_obj_type_t *type, mp_obj_t key) {
    while (mp_obj_is_instance_type(type) && MP_OBJ_TYPE_HAS_SLOT(type, locals_dict)) {
        mp_map_elem_t *slot = mp_map_lookup(&MP_OBJ_TYPE_GET_SLOT(type, locals_dict)->map, key, MP_MAP_LOOKUP);
        if (slot) {
            return mp_obj_is_type(slot->value, &mp_type_fun_bc) ? slot->value : MP_OBJ_NULL;
        }
        if (!MP_OBJ_TYPE_HAS_SLOT(type, parent)) {
            break;
        }
        type = MP_OBJ_TYPE_GET_SLOT(type, parent);
        if (type->base.type != &mp_type_type) {     // a tuple of several bases
            break;
        }
    }
    return MP_OBJ_NULL;
}

void __wrap_mp_load_method(mp_obj_t object, qstr name, mp_obj_t *found) {
    mp_obj_instance_t *self = instance_of_class(object);
    if (self && name != MP_QSTR___class__ && name != MP_QSTR___dict__ && name != MP_QSTR___next__) {
        mp_obj_t key = MP_OBJ_NEW_QSTR(name);
        mp_map_elem_t *slot = mp_map_lookup(&self->members, key, MP_MAP_LOOKUP);
        found[0] = slot ? slot->value : function_of_class(self->base.type, key);
        found[1] = slot ? MP_OBJ_NULL : object;
        if (found[0] != MP_OBJ_NULL) {
            return;
        }
    }
    __real_mp_load_method(object, name, found);
}

// super() in a method that was called with an object of another class: MicroPython would take that apart as one of this.
void __wrap_mp_load_super_method(qstr name, mp_obj_t *found) {
    mp_obj_t self = found[2];
    bool is_class = mp_obj_is_type(self, &mp_type_type) && name != MP_QSTR___init__;
    if (!mp_obj_is_subclass_fast(is_class ? self : MP_OBJ_FROM_PTR(mp_obj_get_type(self)), found[1])) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("'%s' object is no '%q'"), mp_obj_get_type_str(self), ((mp_obj_type_t *)MP_OBJ_TO_PTR(found[1]))->name);
    }
    __real_mp_load_super_method(name, found);
}

// A sealed class (_instances.seal) has attributes that nobody but its methods, by names with an underscore, can set.
static bool may_store(const mp_obj_instance_t *self, qstr name) {
    if (self->base.type->flags & TYPE_FLAG_SEALED && name != MP_QSTR__state && qstr_str(name)[0] != '_') {
        mp_raise_msg_varg(&mp_type_AttributeError, MP_ERROR_TEXT("'%q' object: attribute '%q' can't be set"), self->base.type->name, name);
    }
    return true;
}

void __wrap_mp_store_attr(mp_obj_t object, qstr name, mp_obj_t value) {
    mp_obj_instance_t *self = instance_of_class(object);
    if (self && may_store(self, name) && value != MP_OBJ_NULL && !(self->base.type->flags & MP_TYPE_FLAG_HAS_SPECIAL_ACCESSORS)) {
        mp_obj_t key = MP_OBJ_NEW_QSTR(name);
        mp_map_elem_t *slot = at_last_place(&self->members, key);
        (slot ? slot : mp_map_lookup(&self->members, key, MP_MAP_LOOKUP_ADD_IF_NOT_FOUND))->value = value;
        return;
    }
    __real_mp_store_attr(object, name, value);
}
