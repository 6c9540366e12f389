// `from module import *` takes what the module's `__all__` names, as in the Python of other machines; MicroPython 1.25
// takes whatever does not begin with an underscore, and still does so for a module without `__all__`. port.mk links
// calls of mp_import_all to here.
#include "py/runtime.h"

void __real_mp_import_all(mp_obj_t module);

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
