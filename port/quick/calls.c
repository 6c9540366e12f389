// Calls. What a call costs is mostly what comes before the first bytecode: finding out how the object is called, and
// laying out the frame. port.mk (--wrap) leads the calls here.
//
// * mp_call_function_n_kw, mp_call_method_n_kw: the object's type says how it is called; MicroPython asks the same
//   after saving registers and calling twice more. What can't be called is left to it, to say so.
// * mp_setup_code_state: the frame of a function with plain arguments (no *, no ** and no keywords in the function or
//   the call) and the right number of them: arguments from the frame's end downwards, defaults for those left out,
//   nothing in the other locals, a cell for each local that an inner function uses. All other functions and each
//   mistake are left to MicroPython's own.
//
// Saves (guest instructions): a call of a function 516 to 462, of a bound method 620 to 538, a walk by numbers 466 to
// 424, create_mapping and drop 12,074 to 11,694.
#include "py/bc.h"
#include "py/objfun.h"
#include "py/runtime.h"

#if MICROPY_STACKLESS || MICROPY_PY_SYS_SETTRACE
#error "frames have more to set up then: see mp_setup_code_state in py/bc.c"
#endif

#define NOT_PLAIN (MP_SCOPE_FLAG_VARARGS | MP_SCOPE_FLAG_VARKEYWORDS | MP_SCOPE_FLAG_DEFKWARGS)

mp_obj_t __real_mp_call_function_n_kw(mp_obj_t function, size_t n_args, size_t n_kw, const mp_obj_t *args);
void __real_mp_setup_code_state(mp_code_state_t *frame, size_t n_args, size_t n_kw, const mp_obj_t *args);

static inline mp_obj_t call(mp_obj_t function, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    if (mp_obj_is_obj(function)) {
        const mp_obj_type_t *type = ((mp_obj_base_t *)MP_OBJ_TO_PTR(function))->type;
        if (MP_OBJ_TYPE_HAS_SLOT(type, call)) {
            return MP_OBJ_TYPE_GET_SLOT(type, call)(function, n_args, n_kw, args);
        }
    }
    return __real_mp_call_function_n_kw(function, n_args, n_kw, args);
}

mp_obj_t __wrap_mp_call_function_n_kw(mp_obj_t function, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    return call(function, n_args, n_kw, args);
}

mp_obj_t __wrap_mp_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *method) {
    size_t n_self = method[1] != MP_OBJ_NULL;
    return call(method[0], n_args + n_self, n_kw, method + 2 - n_self);
}

void __wrap_mp_setup_code_state(mp_code_state_t *frame, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    const uint8_t *ip = frame->fun_bc->bytecode;
    size_t n_state, n_handlers, flags, n_positional, n_keyword_only, n_defaults;
    MP_BC_PRELUDE_SIG_DECODE_INTO(ip, n_state, n_handlers, flags, n_positional, n_keyword_only, n_defaults);
    (void)n_handlers;
    if (n_kw || n_keyword_only || flags & NOT_PLAIN || n_args > n_positional || n_args + n_defaults < n_positional) {
        __real_mp_setup_code_state(frame, n_args, n_kw, args);
        return;
    }
    mp_obj_t *local = frame->state + n_state;
    for (size_t i = 0; i < n_args; i++) {
        *--local = args[i];
    }
    for (size_t i = n_args + n_defaults - n_positional; i < n_defaults; i++) {
        *--local = frame->fun_bc->extra_args[i];
    }
    while (local > frame->state) {
        *--local = MP_OBJ_NULL;
    }
    MP_BC_PRELUDE_SIZE_DECODE(ip);
    ip += n_info;
    for (; n_cell; n_cell--) {
        mp_obj_t *cell = frame->state + n_state - 1 - *ip++;
        *cell = mp_obj_new_cell(*cell);
    }
    frame->sp = frame->state - 1;
    frame->exc_sp_idx = 0;
    frame->ip = ip;
}
