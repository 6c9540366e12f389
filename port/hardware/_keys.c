// `_keys`: the register of the protection keys of supervisor pages, and who may write behind the guard. Contracts:
// port/typings/_keys.pyi. Which key guards what, Python decides (kernel/paging/guard.py).
// In C because a commit must close whatever ends it, and a register is written by an instruction that no Python has.
#include "py/runtime.h"
#include "port/hardware/cpu.h"
#include "port/hardware/keys.h"
#include "port/runtime/natives.h"

#define KEYS 16
#define NO_WRITE 2U

keys_t keys;

void keys_reset(void) {
    keys = (keys_t) { 0 };
    if (cpu_features.supervisor_keys) {
        keys_apply();
    }
}

NATIVE_0(keys_supported) { return mp_obj_new_bool(cpu_features.supervisor_keys); }
NATIVE_0(keys_rights) { return MP_OBJ_NEW_SMALL_INT(keys.rights); }

// set(key, rights): two bits, at rest. Those that it had.
NATIVE_2(keys_set, key_in, rights_in) {
    unsigned shift = 2 * native_get_below(key_in, KEYS, "protection key");
    uint32_t rights = native_get_below(rights_in, 4, "rights of a key"), before = keys.rights >> shift & 3;
    if (!cpu_features.supervisor_keys) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("this CPU has no protection keys for supervisor pages"));
    }
    keys.rights = (keys.rights & ~(3U << shift)) | rights << shift;
    keys_apply();
    return MP_OBJ_NEW_SMALL_INT(before);
}

// guard(key): its pages are written in commits only, from here to the soft reset.
NATIVE_1(keys_guard, key) {
    unsigned shift = 2 * native_get_below(key, KEYS, "protection key");
    keys_set(key, MP_OBJ_NEW_SMALL_INT(NO_WRITE));
    keys.guarded = 3U << shift;
    return mp_const_none;
}

typedef struct { mp_obj_base_t base; mp_obj_t function; } commit_t;

static mp_obj_t commit_call(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *arguments) {
    nlr_buf_t nlr;
    const unsigned before = keys.commits;
    if (nlr_push(&nlr) == 0) {
        keys.commits = before + 1;
        keys_apply();
        mp_obj_t result = mp_call_function_n_kw(((commit_t *)MP_OBJ_TO_PTR(self))->function, n_args, n_kw, arguments);
        keys.commits = before;
        keys_apply();
        nlr_pop();
        return result;
    }
    keys.commits = before;
    keys_apply();
    nlr_jump(nlr.ret_val);
}

static MP_DEFINE_CONST_OBJ_TYPE(commit_type, MP_QSTR_commit, MP_TYPE_FLAG_BINDS_SELF, call, commit_call);

// commit(function): the same function, behind the guard; itself where there is none.
NATIVE_1(keys_commit, function) {
    if (keys.guarded == 0) {
        return function;
    }
    commit_t *commit = mp_obj_malloc(commit_t, &commit_type);
    commit->function = function;
    return MP_OBJ_FROM_PTR(commit);
}

NATIVE_MODULE(keys,
    NATIVE(keys, supported), NATIVE(keys, rights), NATIVE(keys, set), NATIVE(keys, guard), NATIVE(keys, commit));
