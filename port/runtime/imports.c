// What MicroPython 1.25 does otherwise in an import than the Python of other machines. port.mk (--wrap) leads the calls
// here.
#include "py/objmodule.h"
#include "py/runtime.h"

mp_obj_t __real_mp_obj_new_module(qstr name);
void __real_mp_import_all(mp_obj_t module);

// A module for which there is no memory is not imported. MicroPython puts its name into sys.modules before it has a
// module for it, and would leave it there with none: whatever imports it next gets a null pointer.
mp_obj_t __wrap_mp_obj_new_module(qstr name) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t module = __real_mp_obj_new_module(name);
        nlr_pop();
        return module;
    }
    mp_map_lookup(&MP_STATE_VM(mp_loaded_modules_dict).map, MP_OBJ_NEW_QSTR(name), MP_MAP_LOOKUP_REMOVE_IF_FOUND);
    nlr_jump(nlr.ret_val);
}

// `from module import *` takes what the module's `__all__` names; MicroPython takes whatever does not begin with an
// underscore, and still does so for a module without `__all__`.
void __wrap_mp_import_all(mp_obj_t module) {
    mp_obj_t found[2];
    mp_load_method_maybe(module, MP_QSTR___all__, found);
    if (found[0] == MP_OBJ_NULL) {
        __real_mp_import_all(module);
        return;
    }
    size_t count;
    mp_obj_t *names;
    mp_obj_get_array(found[0], &count, &names);
    for (size_t i = 0; i < count; i++) {
        qstr name = mp_obj_str_get_qstr(names[i]);
        mp_store_name(name, mp_load_attr(module, name));
    }
}
