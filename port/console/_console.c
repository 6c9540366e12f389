// `_console`: the hook of the prompt, the log channel, raw terminal facts. Contracts: port/typings/_console.pyi.
// In C because MicroPython's prompt and the log's channel are: these are their hooks.
#include "py/mphal.h"
#include "port/console/log.h"
#include "port/console/uart.h"
#include "port/faults/panic.h"
#include "port/runtime/natives.h"

static mp_obj_t console_set_command_runner(mp_obj_t function) {
    MP_STATE_VM(console_command_runner) = function;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(console_set_command_runner_obj, console_set_command_runner);

// Called with the line so far, it returns the words that its last word can become, or None to leave it to Python.
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
    { MP_ROM_QSTR(MP_QSTR_log), MP_ROM_PTR(&console_log_obj) },
    { MP_ROM_QSTR(MP_QSTR_overruns), MP_ROM_PTR(&console_overruns_obj) },
    { MP_ROM_QSTR(MP_QSTR_panic), MP_ROM_PTR(&console_panic_obj) },
};
static MP_DEFINE_CONST_DICT(console_globals, console_globals_table);
const mp_obj_module_t console_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&console_globals };
MP_REGISTER_MODULE(MP_QSTR__console, console_module);
