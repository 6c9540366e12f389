// `_instances`: an object of a Python class without its constructor. Contracts: port/typings/_instances.pyi.
//
// For values that somebody has checked already. A store into an attribute looks through all classes for a property
// first, which costs more than everything else that is done with a page number.
//
// In C because Python always runs the constructor: 1,270 instructions for one attribute.
#include "py/runtime.h"
#include "py/objtype.h"
#include "port/quick/sealed.h"
#include "port/runtime/natives.h"

NATIVE_BETWEEN(instances_make, 3, 15, count, arguments) {
    if (!mp_obj_is_type(arguments[0], &mp_type_type) || count % 2 != 1
        || !mp_obj_is_instance_type((mp_obj_type_t *)MP_OBJ_TO_PTR(arguments[0]))) {
        mp_raise_TypeError(MP_ERROR_TEXT("make(class, name, value, ...): a class that Python code defines"));
    }
    for (size_t i = 1; i < count; i += 2) {
        if (!mp_obj_is_qstr(arguments[i])) {
            mp_raise_TypeError(MP_ERROR_TEXT("an attribute's name is a short str"));
        }
    }
    const mp_obj_type_t *native_base;
    mp_obj_instance_t *made = mp_obj_new_instance(MP_OBJ_TO_PTR(arguments[0]), &native_base);
    mp_map_t *members = &made->members;
    mp_map_init(members, count / 2);
    members->is_ordered = 1;    // so an attribute's place is the name's among the arguments: nothing to look for
    members->used = count / 2;
    for (size_t i = 0; i < count / 2; i++) {
        members->table[i].key = arguments[1 + 2 * i];
        members->table[i].value = arguments[2 + 2 * i];
    }
    return MP_OBJ_FROM_PTR(made);
}

// bind(function, first): what calls the function with `first` before the arguments that it is given, as a method does.
NATIVE_2(instances_bind, function, first) { return mp_obj_new_bound_meth(function, first); }

// seal(class): the class, whose objects refuse to have attributes set but by a name that begins with an underscore. (A
// __setattr__ of Python's would be called for each store, its own included.)
NATIVE_1(instances_seal, class) {
    if (!mp_obj_is_type(class, &mp_type_type) || !mp_obj_is_instance_type((mp_obj_type_t *)MP_OBJ_TO_PTR(class))) {
        mp_raise_TypeError(MP_ERROR_TEXT("seal(class): a class that Python code defines"));
    }
    ((mp_obj_type_t *)MP_OBJ_TO_PTR(class))->flags |= TYPE_FLAG_SEALED;
    return class;
}

NATIVE_MODULE(instances,
    NATIVE(instances, bind), NATIVE(instances, seal), NATIVE(instances, make));
