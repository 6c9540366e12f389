// `_console`: the hook of the prompt, the log channel, raw terminal facts. Contracts: port/typings/_console.pyi.
// In C because MicroPython's prompt and the log's channel are: these are their hooks.
#include <string.h>
#include "py/mphal.h"
#include "py/objmodule.h"
#include "py/runtime.h"
#include "port/console/log.h"
#include "port/console/uart.h"
#include "port/faults/panic.h"
#include "port/runtime/natives.h"

NATIVE_1(console_set_command_runner, function) {
    MP_STATE_VM(console_command_runner) = function;
    return mp_const_none;
}

// Called with an exception, its text, the line, and whether it was a tool's, it prints that and answers whether it did.
NATIVE_1(console_set_error_shower, function) {
    MP_STATE_VM(console_error_shower) = function;
    return mp_const_none;
}

// Called with the line so far, it returns what Tab inserts, True if it printed a list, or None to leave it to MicroPython.
NATIVE_1(console_set_completer, function) {
    MP_STATE_VM(console_completer) = function;
    return mp_const_none;
}

NATIVE_1(console_log, text) {
    size_t length;
    const char *bytes = mp_obj_str_get_data(text, &length);
    log_send(bytes, length);
    return mp_const_none;
}

NATIVE_1(console_unread, count) {
    return mp_obj_new_bool(uart_unread((uint32_t)native_get_below(count, 1ull << 32, "count")));
}

static void add_module_names(mp_obj_t names, const mp_map_t *map) {
    for (size_t i = 0; i < map->alloc; i++) {
        if (mp_map_slot_is_filled(map, i)) {
            mp_obj_list_append(names, map->table[i].key);
        }
    }
}

extern const char mp_frozen_names[];

// Files of frozen modules with their folders, as `memory/views/__init__.py`; builtin modules by their bare names.
NATIVE_0(console_module_names) {
    mp_obj_t names = mp_obj_new_list(0, NULL);
    add_module_names(names, &mp_builtin_module_map);
    add_module_names(names, &mp_builtin_extensible_module_map);
    for (const char *name = mp_frozen_names; *name != '\0'; name += strlen(name) + 1) {
        mp_obj_list_append(names, mp_obj_new_str(name, strlen(name)));
    }
    return names;
}

NATIVE_1(console_line_failed, error) {
    log_line_failed(mp_obj_str_get_str(error));
    return mp_const_none;
}

NATIVE_0(console_overruns) { return native_new_u64(uart_overruns()); }

NATIVE_1(console_panic, text) {
    panic("%s", mp_obj_str_get_str(text));
}

NATIVE_MODULE(console,
    NATIVE(console, set_command_runner), NATIVE(console, set_completer), NATIVE(console, set_error_shower),
    NATIVE(console, module_names), NATIVE(console, unread), NATIVE(console, log), NATIVE(console, line_failed),
    NATIVE(console, overruns), NATIVE(console, panic));
