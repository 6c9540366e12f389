// `_keys`: the register of the protection keys of supervisor pages, and who may write behind the guard. Contracts:
// port/typings/_keys.pyi. Which key guards what, Python decides (kernel/paging/guard.py).
// In C because a commit must close whatever ends it, and `open and close a protection key` is 1,500 instructions: an object
// of Python's with the same two methods is 6,800.
#include <string.h>
#include "py/runtime.h"
#include "port/hardware/cpu.h"
#include "port/hardware/keys.h"
#include "port/runtime/natives.h"

#define KEYS 16
#define NO_WRITE 2U

keys_t keys;
MP_REGISTER_ROOT_POINTER(struct _opening_t *openings[16]);      // by key: which was entered last of those in use

void keys_reset(void) {
    keys = (keys_t) { 0 };
    memset(MP_STATE_VM(openings), 0, sizeof MP_STATE_VM(openings));
    if (cpu_features.supervisor_keys) {
        msr_write(MSR_PKRS, 0);
    }
}

NATIVE_0(keys_supported) { return mp_obj_new_bool(cpu_features.supervisor_keys); }
NATIVE_0(keys_rights) { return MP_OBJ_NEW_SMALL_INT(keys.rights); }

static uint32_t get_rights(mp_obj_t rights) {
    if (!cpu_features.supervisor_keys) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("this CPU has no protection keys for supervisor pages"));
    }
    return native_get_below(rights, 4, "rights of a key");
}

static uint32_t set(unsigned key, uint32_t rights) {
    uint32_t before = keys.rights >> 2 * key & 3;
    keys.rights = (keys.rights & ~(3U << 2 * key)) | rights << 2 * key;
    keys_apply();
    return before;
}

// set(key, rights): two bits, at rest. Those that it had.
NATIVE_2(keys_set, key_in, rights_in) {
    unsigned key = native_get_below(key_in, KEYS, "protection key");
    return MP_OBJ_NEW_SMALL_INT(set(key, get_rights(rights_in)));
}

NATIVE_1(keys_in_use, key) { return mp_obj_new_bool(MP_STATE_VM(openings)[native_get_below(key, KEYS, "protection key")] != NULL); }

// --- for `with` ---

// outer: what of the same key was in use when this was entered.
typedef struct _opening_t { mp_obj_base_t base; uint8_t key, rights, before; bool in_use; struct _opening_t *outer; } opening_t;

static mp_obj_t opening_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *arguments) {
    mp_arg_check_num(n_args, n_kw, 2, 2, false);
    unsigned key = native_get_below(arguments[0], KEYS, "protection key");
    uint32_t rights = get_rights(arguments[1]);
    opening_t *opening = mp_obj_malloc(opening_t, type);
    opening->key = key;
    opening->rights = rights;
    opening->in_use = false;
    return MP_OBJ_FROM_PTR(opening);
}

static opening_t *get_opening(mp_obj_t self, bool in_use, const char *why) {
    opening_t *opening = MP_OBJ_TO_PTR(self);
    if (opening->in_use != in_use) {
        mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("protection key %u: %s"), opening->key, why);
    }
    return opening;
}

NATIVE_1(opening___enter__, self) {
    opening_t *opening = get_opening(self, false, "this is in use: ask its Key for another");
    opening->outer = MP_STATE_VM(openings)[opening->key];
    opening->before = set(opening->key, opening->rights);
    opening->in_use = true;
    MP_STATE_VM(openings)[opening->key] = opening;
    return self;
}

// Whoever is left while another holds goes from below it: what that one gives back is what was before both.
NATIVE_MANY(opening___exit__, 4, arguments) {
    opening_t *opening = get_opening(arguments[0], true, "this is not in use"), *inner = NULL;
    opening_t **at = &MP_STATE_VM(openings)[opening->key];
    for (; *at != opening; at = &inner->outer) { inner = *at; }
    *at = opening->outer;
    opening->in_use = false;
    if (inner != NULL) {
        inner->before = opening->before;
    } else {
        set(opening->key, opening->before);
    }
    return mp_const_none;
}

NATIVE_NAMES(opening_locals,
    NATIVE(opening, __enter__), NATIVE(opening, __exit__));
static MP_DEFINE_CONST_OBJ_TYPE(opening_type, MP_QSTR_Opening, MP_TYPE_FLAG_NONE, make_new, opening_make_new, locals_dict, &opening_locals);

// --- the guard ---

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
    NATIVE(keys, supported), NATIVE(keys, rights), NATIVE(keys, set), NATIVE(keys, in_use), NATIVE(keys, guard),
    NATIVE(keys, commit), NATIVE_AT(Opening, opening_type));
