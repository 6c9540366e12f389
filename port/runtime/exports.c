// The functions of the kernel that loaded objects may call, by the names that compilers and people know them by. The
// namespace below all others has them: kernel/loader/namespaces.py.
//
//   memcpy memmove memset memcmp memchr     what compilers call unasked, and libc.c has
//   strlen strcmp strncmp strchr strstr
//   printf puts putchar                     to the console, by MicroPython's formats; snprintf, vsnprintf
//   log_print                               as printf, to the log channel, at most 255 bytes
//   abort __stack_chk_fail                  end the call: RuntimeError for the Python that called, with the place
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "py/mpprint.h"
#include "py/runtime.h"
#include "port/console/log.h"
#include "port/processors/processors.h"
#include "port/runtime/exports.h"

static NORETURN void ended(const char *how, void *place) {
    if (processors_online != 0) {
        processors_refuse_python(WANTS_ABORT);
    }
    mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("%s was called from 0x%p"), how, place);
}

static NORETURN void object_abort(void) {
    ended("abort()", __builtin_return_address(0));
}

static NORETURN void object_stack_chk_fail(void) {
    ended("__stack_chk_fail()", __builtin_return_address(0));
}

static int object_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = mp_vprintf(&mp_plat_print, format, arguments);
    va_end(arguments);
    return length;
}

static int object_puts(const char *text) {
    return mp_printf(&mp_plat_print, "%s\n", text);
}

static int object_putchar(int letter) {
    mp_printf(&mp_plat_print, "%c", letter);
    return letter;
}

mp_obj_t exports_new(void) {
    static const struct { const char *name; void *function; } exports[] = {
        { "memcpy", memcpy }, { "memmove", memmove }, { "memset", memset }, { "memcmp", memcmp }, { "memchr", memchr },
        { "strlen", strlen }, { "strcmp", strcmp }, { "strncmp", strncmp }, { "strchr", strchr }, { "strstr", strstr },
        { "printf", object_printf }, { "puts", object_puts }, { "putchar", object_putchar },
        { "snprintf", snprintf }, { "vsnprintf", vsnprintf }, { "log_print", log_print },
        { "abort", object_abort }, { "__stack_chk_fail", object_stack_chk_fail },
    };
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(exports));
    for (size_t i = 0; i < MP_ARRAY_SIZE(exports); i++) {
        mp_obj_t name = mp_obj_new_str(exports[i].name, strlen(exports[i].name));
        mp_obj_dict_store(dict, name, mp_obj_new_int((mp_int_t)exports[i].function));
    }
    return dict;
}
