// Callbacks, of devices and of Python's own, come between two bytecodes of whatever runs: what that has opened of the
// protection keys they find at rest, and leave as it was.
#include "py/runtime.h"
#include "port/hardware/keys.h"

void __real_mp_handle_pending(bool raises);
void __wrap_mp_handle_pending(bool raises) {
    if (!keys_are_open()) {
        __real_mp_handle_pending(raises);
        return;
    }
    const keys_t before = keys_rest();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        __real_mp_handle_pending(raises);
        nlr_pop();
        keys_resume(&before);
    } else {
        keys_resume(&before);
        nlr_jump(nlr.ret_val);
    }
}
