// Whose argument it was. A function of the kernel that is called with a thing of a wrong kind fails somewhere inside, and
// MicroPython speaks of the insides: AttributeError "'NoneType' object has no attribute '_number'". Here such an error
// becomes a TypeError that names the argument, in the words of each function that it leaves, so at last of the one that
// was called: "map_to(): page (NoneType) is of a wrong kind: 'NoneType' object has no attribute '_number'".
//
// Nothing is looked at until an error leaves a function, so a call that goes well costs nothing. port.mk compiles
// MicroPython's objfun.c, which raises on behalf of functions, so that it comes here.
//
// What is left alone: an error that a `raise` made, one that began in a function that is not the kernel's (a callback),
// and one whose words fit no argument. The last is a fault of the kernel's, and should look like one.
#include <string.h>
#include "port/boot/image.h"
#include "py/bc0.h"
#include "py/bc.h"
#include "py/objexcept.h"
#include "py/objfun.h"
#include "py/objtype.h"
#include "py/runtime.h"

#define BLAMED_MAX 4
#define TRACEBACK_WORDS 3 // of one function: file, line, name

// The error that was renamed last, what it said first, and which objects that was about: these are only compared with
// arguments, and the collector must not find them here when everybody else has forgotten them.
MP_REGISTER_ROOT_POINTER(mp_obj_t argument_error);
MP_REGISTER_ROOT_POINTER(mp_obj_t argument_reason);
static mp_obj_t argument_blamed[BLAMED_MAX];

// True when a word stands in a text on its own, or in quotes, before `end`.
static bool names(const char *text, const char *end, const char *word) {
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL && at + length <= end; at++) {
        char before = at == text ? ' ' : at[-1], behind = at[length];
        if ((before == '\'' || before == ' ') && (behind == '\'' || behind == ' ' || behind == '\0')) {
            return true;
        }
    }
    return false;
}

// True when a type, or one that it inherits from, has a function under its own name.
static bool has_method(const mp_obj_type_t *type, qstr name, const mp_obj_fun_bc_t *function) {
    if (!mp_obj_is_instance_type(type)) {
        return false; // made in C
    }
    if (MP_OBJ_TYPE_HAS_SLOT(type, locals_dict)) {
        mp_map_t *locals = &((mp_obj_dict_t *)MP_OBJ_TYPE_GET_SLOT(type, locals_dict))->map;
        mp_map_elem_t *found = mp_map_lookup(locals, MP_OBJ_NEW_QSTR(name), MP_MAP_LOOKUP);
        // What is no plain function, a property say, has this one somewhere inside.
        if (found && (found->value == MP_OBJ_FROM_PTR(function) || !mp_obj_is_type(found->value, &mp_type_fun_bc))) {
            return true;
        }
    }
    const mp_obj_base_t *parent = MP_OBJ_TYPE_GET_SLOT_OR_NULL(type, parent);
    if (parent && parent->type == &mp_type_tuple) {
        const mp_obj_tuple_t *parents = (const mp_obj_tuple_t *)parent;
        for (size_t i = 0; i < parents->len; i++) {
            if (has_method(MP_OBJ_TO_PTR(parents->items[i]), name, function)) {
                return true;
            }
        }
        return false;
    }
    return parent && has_method((const mp_obj_type_t *)parent, name, function);
}

// Whose call it is: the function, its name, whether variables of an outer function come before its arguments, and the
// class, which is among these in a method that has super() in it.
typedef struct {
    const mp_obj_fun_bc_t *function;
    qstr name;
    bool is_inner;
    mp_obj_t class;
} called_t;

// True for what can be of a wrong kind: not a class method's class, nor a method's own object, unless the method was taken
// from another class.
static bool was_given(const called_t *called, qstr name, mp_obj_t argument) {
    mp_const_obj_t type = MP_OBJ_FROM_PTR(mp_obj_get_type(argument));
    bool is_own = called->class != MP_OBJ_NULL ? mp_obj_is_subclass_fast(type, called->class)
        : called->is_inner || has_method(mp_obj_get_type(argument), called->name, called->function);
    return !(name == MP_QSTR_cls || (name == MP_QSTR_self && is_own));
}

static bool was_blamed(mp_obj_t argument) {
    for (size_t i = 0; i < BLAMED_MAX; i++) {
        if (argument_blamed[i] == argument) {
            return true;
        }
    }
    return false;
}

// What stands behind here in such a text is not about an argument: "can't convert str to int", "has no attribute 'int'".
static const char *where_others_begin(const char *text) {
    const char *end = strstr(text, " to ");
    end = end ? end : strstr(text, " has no attribute ");
    return end ? end : text + strlen(text);
}

// Writes down an error that is seen for the first time. False if it is none of those that are renamed.
// In __getattr__ and __setattr__ it is about the object that has no such attribute, whatever that asked inside.
static bool begin(const mp_code_state_t *frame, mp_obj_exception_t *error, bool is_accessor, bool is_method) {
    mp_obj_t text = mp_obj_exception_get_value(MP_OBJ_FROM_PTR(error));
    if (error->traceback_len != TRACEBACK_WORDS || (*frame->ip == MP_BC_RAISE_OBJ && !is_accessor)
        || error->args->len != 1 || !mp_obj_is_str(text)) {
        return false;
    }
    MP_STATE_VM(argument_error) = MP_OBJ_FROM_PTR(error);
    MP_STATE_VM(argument_reason) = text;
    memset(argument_blamed, 0, sizeof(argument_blamed));
    if (is_accessor && is_method) {
        argument_blamed[0] = frame->state[frame->n_state - 1];
    }
    return true;
}

// Renames an error that leaves a function, if it is about one of its arguments.
static void name_argument(const mp_code_state_t *frame, mp_obj_exception_t *error) {
    const byte *ip = frame->fun_bc->bytecode;
    MP_BC_PRELUDE_SIG_DECODE(ip);
    MP_BC_PRELUDE_SIZE_DECODE(ip);
    const byte *cells = ip + n_info;
    const qstr_short_t *qstrs = frame->fun_bc->context->constants.qstr_table;
    called_t called = {frame->fun_bc, qstrs[mp_decode_uint_value(ip)], false, MP_OBJ_NULL};
    bool is_accessor = called.name == MP_QSTR___getattr__ || called.name == MP_QSTR___setattr__;
    bool is_new = MP_STATE_VM(argument_error) != MP_OBJ_FROM_PTR(error);
    if (is_new && !begin(frame, error, is_accessor, n_pos_args > 1)) {
        return;
    }
    const char *reason = mp_obj_str_get_str(MP_STATE_VM(argument_reason)), *end = where_others_begin(reason);
    bool is_of_format = strncmp(reason, "format string", 13) == 0; // `text % argument` takes a tuple apart
    bool is_first = argument_blamed[0] == MP_OBJ_NULL;
    qstr blamed_names[BLAMED_MAX];
    mp_obj_t blamed[BLAMED_MAX] = {MP_OBJ_NULL};
    size_t count = 0;
    for (size_t i = 0; i < n_pos_args + n_kwonly_args && count < BLAMED_MAX; i++) {
        ip = mp_decode_uint_skip(ip);
        qstr name = qstrs[mp_decode_uint_value(ip)];
        mp_obj_t argument = frame->state[frame->n_state - 1 - i];
        if (name == MP_QSTR__star_) {
            mp_obj_t outer = mp_obj_cell_get(argument);
            called.is_inner = true;
            called.class = outer != MP_OBJ_NULL && mp_obj_is_type(outer, &mp_type_type) ? outer : called.class;
            continue;
        }
        if (argument != MP_OBJ_NULL && memchr(cells, i, n_cell)) {
            argument = mp_obj_cell_get(argument); // an inner function uses it, too
        }
        size_t after_required = i - (n_pos_args - n_def_pos_args); // huge for those that must be given
        if (argument == MP_OBJ_NULL
            || (after_required < n_def_pos_args && argument == frame->fun_bc->extra_args[after_required])) {
            continue; // deleted; or what is taken unless another is given, which can't be wrong
        }
        bool is_told = names(reason, end, mp_obj_get_type_str(argument))
            || (mp_obj_is_bool(argument) && names(reason, end, "int")) // arithmetic takes it for one
            || (is_of_format && mp_obj_is_type(argument, &mp_type_tuple));
        bool is_self = name == MP_QSTR_self; // one that was given is another class's: whatever the words are about
        bool is_meant = is_self || (is_first ? is_told : was_blamed(argument));
        if (is_meant && was_given(&called, name, argument)) {
            blamed_names[count] = name;
            blamed[count++] = argument;
        }
    }
    if (count == 0) {
        return;
    }
    vstr_t text;
    vstr_init(&text, 128);
    vstr_printf(&text, "%q():", called.name);
    for (size_t i = 0; i < count; i++) {
        vstr_printf(&text, "%s %q (%s)", i ? " or" : "", blamed_names[i], mp_obj_get_type_str(blamed[i]));
    }
    vstr_printf(&text, " is of a wrong kind: %s", reason);
    mp_obj_t line = mp_obj_new_str_from_vstr(&text);
    error->args = MP_OBJ_TO_PTR(mp_obj_new_tuple(1, &line));
    error->base.type = &mp_type_TypeError;
    memcpy(argument_blamed, blamed, sizeof(blamed));
}

// What objfun.c calls instead of nlr_jump, when an exception leaves a function written in Python. The frame was given back
// a moment ago, and nothing has come over it yet.
NORETURN void nlr_jump_out_of_function(void *raised) {
    const mp_code_state_t *frame = (void *)MP_STATE_THREAD(pystack_cur);
    const char *code = (const char *)frame->fun_bc->bytecode;
    const mp_obj_type_t *type = ((mp_obj_base_t *)raised)->type;
    bool is_of_insides = type == &mp_type_AttributeError || type == &mp_type_TypeError;
    if (is_of_insides && code >= __rodata_start && code < __rodata_end) {
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) { // no memory for the text: then it stays as it was
            name_argument(frame, raised);
            nlr_pop();
        }
    }
    nlr_jump(raised);
}
