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

static mp_obj_t console_set_command_runner(mp_obj_t function) {
    MP_STATE_VM(console_command_runner) = function;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_set_command_runner_obj, console_set_command_runner);

// Called with an exception, its text, the line, and whether it was a tool's, it prints that and answers whether it did.
static mp_obj_t console_set_error_shower(mp_obj_t function) {
    MP_STATE_VM(console_error_shower) = function;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_set_error_shower_obj, console_set_error_shower);

// Called with the line so far, it returns what Tab inserts, True if it printed a list, or None to leave it to MicroPython.
static mp_obj_t console_set_completer(mp_obj_t function) {
    MP_STATE_VM(console_completer) = function;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_set_completer_obj, console_set_completer);

static mp_obj_t console_log(mp_obj_t text) {
    size_t length;
    const char *bytes = mp_obj_str_get_data(text, &length);
    log_send(bytes, length);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_log_obj, console_log);

static mp_obj_t console_unread(mp_obj_t count) {
    return mp_obj_new_bool(uart_unread((uint32_t)native_get_below(count, 1ull << 32, "count")));
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_unread_obj, console_unread);

static void add_module_names(mp_obj_t names, const mp_map_t *map) {
    for (size_t i = 0; i < map->alloc; i++) {
        if (mp_map_slot_is_filled(map, i)) {
            mp_obj_list_append(names, map->table[i].key);
        }
    }
}

extern const char mp_frozen_names[];

// Files of frozen modules with their folders, as `memory/views/__init__.py`; builtin modules by their bare names.
static mp_obj_t console_module_names(void) {
    mp_obj_t names = mp_obj_new_list(0, NULL);
    add_module_names(names, &mp_builtin_module_map);
    add_module_names(names, &mp_builtin_extensible_module_map);
    for (const char *name = mp_frozen_names; *name != '\0'; name += strlen(name) + 1) {
        mp_obj_list_append(names, mp_obj_new_str(name, strlen(name)));
    }
    return names;
}
static MP_DEFINE_CONST_FUN_OBJ_0(console_module_names_obj, console_module_names);

static mp_obj_t console_line_failed(mp_obj_t error) {
    log_line_failed(mp_obj_str_get_str(error));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_line_failed_obj, console_line_failed);

static mp_obj_t console_overruns(void) { return native_new_u64(uart_overruns()); }
static MP_DEFINE_CONST_FUN_OBJ_0(console_overruns_obj, console_overruns);

static mp_obj_t console_panic(mp_obj_t text) {
    panic("%s", mp_obj_str_get_str(text));
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_panic_obj, console_panic);

static const mp_rom_map_elem_t console_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__console) },
    { MP_ROM_QSTR(MP_QSTR_set_command_runner), MP_ROM_PTR(&console_set_command_runner_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_completer), MP_ROM_PTR(&console_set_completer_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_error_shower), MP_ROM_PTR(&console_set_error_shower_obj) },
    { MP_ROM_QSTR(MP_QSTR_module_names), MP_ROM_PTR(&console_module_names_obj) },
    { MP_ROM_QSTR(MP_QSTR_unread), MP_ROM_PTR(&console_unread_obj) },
    { MP_ROM_QSTR(MP_QSTR_log), MP_ROM_PTR(&console_log_obj) },
    { MP_ROM_QSTR(MP_QSTR_line_failed), MP_ROM_PTR(&console_line_failed_obj) },
    { MP_ROM_QSTR(MP_QSTR_overruns), MP_ROM_PTR(&console_overruns_obj) },
    { MP_ROM_QSTR(MP_QSTR_panic), MP_ROM_PTR(&console_panic_obj) },
};
static MP_DEFINE_CONST_DICT(console_globals, console_globals_table);
const mp_obj_module_t console_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&console_globals };
MP_REGISTER_MODULE(MP_QSTR__console, console_module);
