// Tab at the first line of an input: Python says what to insert, by the hook that _console.set_completer() was given;
// elsewhere, or if it says nothing, MicroPython's own completion. port.mk links readline's calls to here.
#include <string.h>
#include "py/repl.h"
#include "py/runtime.h"
#include "py/unicode.h"
#include "port/console/console.h"

#define MANY ((size_t)-1)               // readline's word for "I printed a list: show the line again"

size_t __real_mp_repl_autocomplete(const char *text, size_t length, const mp_print_t *print, const char **completion);
bool completion_of_commands;            // true while the line is one that may be a command

// What the completer says, or None. Kept reachable, since readline copies it later.
static mp_obj_t ask_completer(const char *text, size_t length) {
    mp_obj_t completer = MP_STATE_VM(console_completer);
    if (!completion_of_commands || completer == MP_OBJ_NULL || completer == mp_const_none) {
        return mp_const_none;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return mp_const_none;
    }
    mp_obj_t said = mp_call_function_1(completer, mp_obj_new_str(text, length));
    MP_STATE_VM(console_completion) = said;
    nlr_pop();
    return said;
}

size_t __wrap_mp_repl_autocomplete(const char *text, size_t length, const mp_print_t *print, const char **completion) {
    mp_obj_t said = ask_completer(text, length);
    if (said == mp_const_true) {
        return MANY;
    }
    if (!mp_obj_is_str(said)) {
        return __real_mp_repl_autocomplete(text, length, print, completion);
    }
    size_t inserted;
    *completion = mp_obj_str_get_data(said, &inserted);
    return inserted;
}

// readline asks whether Tab follows a space, to indent there; on a line that may be a command it completes there, too.
bool completion_is_indented(unichar c) {
    return !completion_of_commands && unichar_isspace(c);
}

MP_REGISTER_ROOT_POINTER(mp_obj_t console_completer);
MP_REGISTER_ROOT_POINTER(mp_obj_t console_completion);
