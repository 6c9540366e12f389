// The prompt: one loop, two prompt strings.
//
//   clew>   a bare word that is a command runs it, anything else is Python
//   >>>     after Ctrl-A and Ctrl-B, for tools that look for it: nothing but Python; the word clew leads back
//
// Which word is a command is Python's business: the hook that _console.set_command_runner() was given sees every
// complete line first and says whether it was one. The raw REPL is MicroPython's own (shared/runtime/pyexec.c).
#include <string.h>
#include "py/builtin.h"
#include "py/compile.h"
#include "py/gc.h"
#include "py/repl.h"
#include "py/runtime.h"
#include "py/mphal.h"
#include "shared/readline/readline.h"
#include "shared/runtime/pyexec.h"
#include "genhdr/mpversion.h"
#include "port/console/console.h"
#include "port/console/log.h"
#include "port/console/traceback.h"
#include "port/console/typed_ahead.h"
#include "port/console/uart.h"
#include "port/hardware/instructions.h"

#define WAY_BACK "clew"
static bool tool_prompt;                // ">>> " rather than "clew> "

static void print_to_log(void *data, const char *text, size_t length) {
    (void)data;
    log_send(text, length);
}

static void print_as_for_users(const mp_print_t *print, mp_obj_t exception) {
    if (tool_prompt) {
        mp_obj_print_exception(print, exception);
    } else {
        traceback_print_users(print, exception);
    }
}

// Have Python show it, who knows the screen, and the commands, which are none at the tools' prompt. False if it doesn't.
static bool show_in_python(mp_obj_t exception, const vstr_t *source) {
    mp_obj_t shower = MP_STATE_VM(console_error_shower);
    if (shower == MP_OBJ_NULL) {
        return false;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return false;
    }
    vstr_t text;
    mp_print_t print;
    vstr_init_print(&text, 128, &print);
    print_as_for_users(&print, exception);
    mp_obj_t line = source == NULL ? mp_const_none : mp_obj_new_str(source->buf, source->len);
    mp_obj_t arguments[] = { exception, mp_obj_new_str_from_vstr(&text), line, mp_obj_new_bool(tool_prompt) };
    bool shown = mp_obj_is_true(mp_call_function_n_kw(shower, MP_ARRAY_SIZE(arguments), 0, arguments));
    nlr_pop();
    return shown;
}

// What the kernel refuses is told without the kernel's own frames; those are in the log.
// `source` is what raised it, or NULL.
static void print_exception(mp_obj_t exception, const vstr_t *source) {
    if (!tool_prompt && traceback_has_kernel_frames(exception)) {
        const mp_print_t log = { NULL, print_to_log };
        mp_obj_print_exception(&log, exception);
    }
    if (!show_in_python(exception, source)) {
        print_as_for_users(&mp_plat_print, exception);
    }
}

static bool is_system_exit(mp_obj_t exception) {
    return mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(mp_obj_get_type(exception)), MP_OBJ_FROM_PTR(&mp_type_SystemExit));
}

static void execute_python(const vstr_t *source, mp_parse_input_kind_t kind) {
    mp_lexer_t *lexer = mp_lexer_new_from_str_len(MP_QSTR__lt_stdin_gt_, source->buf, source->len, 0);
    mp_parse_tree_t tree = mp_parse(lexer, kind);
    mp_call_function_0(mp_compile(&tree, MP_QSTR__lt_stdin_gt_, true));
}

// At the tools' prompt one word brings a person's own back, unless the user has given it another meaning.
static bool is_way_back(const vstr_t *source) {
    return source->len == strlen(WAY_BACK) && memcmp(source->buf, WAY_BACK, source->len) == 0
        && mp_map_lookup(&mp_globals_get()->map, MP_OBJ_NEW_QSTR(qstr_from_str(WAY_BACK)), MP_MAP_LOOKUP) == NULL;
}

static bool run_as_command(const vstr_t *source) {
    if (tool_prompt && is_way_back(source)) {
        tool_prompt = false;
        return true;
    }
    mp_obj_t runner = MP_STATE_VM(console_command_runner);
    return runner != MP_OBJ_NULL && !tool_prompt && mp_obj_is_true(mp_call_function_1(runner, mp_obj_new_str(source->buf, source->len)));
}

static void print_what_was_dropped(void) {
    uint64_t count = uart_take_dropped();
    if (count > 0) {
        mp_printf(&mp_plat_print, "(%u bytes that were typed ahead are dropped)\n", (unsigned)count);
    }
}

// Run one complete input; whatever it raises is printed. True: the machine is to be reset (SystemExit). Never a part of
// the loop that calls it: in a frame that stays for long, slots that are not in use keep what was in them.
static __attribute__((noinline)) bool run_input(const vstr_t *source, mp_parse_input_kind_t kind) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_hal_set_interrupt_char(CHAR_CTRL_C);
        uart_take_early_interrupt();
        uint64_t flags = interrupts_disable();
        typed_ahead_watch();
        interrupts_restore(flags);
        if (!run_as_command(source)) {
            execute_python(source, kind);
        }
        mp_hal_set_interrupt_char(-1);
        mp_handle_pending(true);
        nlr_pop();
        print_what_was_dropped();
        return false;
    }
    mp_hal_set_interrupt_char(-1);
    mp_handle_pending(false);
    mp_obj_t exception = MP_OBJ_FROM_PTR(nlr.ret_val);
    if (is_system_exit(exception)) {
        return true;
    }
    log_line_failed(qstr_str(mp_obj_get_type(exception)->name));
    // Printing may fault or be interrupted like anything else.
    nlr_buf_t nlr_print;
    if (nlr_push(&nlr_print) == 0) {
        print_exception(exception, source);
        nlr_pop();
    } else {
        mp_hal_stdout_tx_str("\r\n(the exception could not be printed)\r\n");
    }
    print_what_was_dropped();
    return false;
}

// Everything typed up to Ctrl-D, without auto-indent. False when Ctrl-C gave it up.
static bool read_paste(vstr_t *line) {
    mp_hal_stdout_tx_str("\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ");
    vstr_reset(line);
    for (;;) {
        char c = mp_hal_stdin_rx_chr();
        if (c == CHAR_CTRL_C || c == CHAR_CTRL_D) {
            mp_hal_stdout_tx_str("\r\n");
            return c == CHAR_CTRL_D;
        }
        vstr_add_byte(line, c);
        if (c == '\r') {
            mp_hal_stdout_tx_str("\r\n=== ");
        } else {
            mp_hal_stdout_tx_strn(&c, 1);
        }
    }
}

// Lines until the input is complete. False when Ctrl-C gave it up.
static bool read_continuation(vstr_t *line) {
    while (mp_repl_continue_with_input(vstr_null_terminated_str(line))) {
        vstr_add_byte(line, '\n');
        int ended_by = readline(line, "... ");
        if (ended_by == CHAR_CTRL_C) {
            mp_hal_stdout_tx_str("\r\n");
            return false;
        }
        if (ended_by == CHAR_CTRL_D) {
            return true;
        }
    }
    return true;
}

static void print_tool_banner(void) {
    mp_hal_stdout_tx_str("\r\n" MICROPY_BANNER_NAME_AND_VERSION "; " MICROPY_BANNER_MACHINE "\r\nType \"help()\" for more information, " WAY_BACK " for Clew's own prompt.\r\n");
}

typedef enum { NEXT_LINE, RAW_MODE, SOFT_RESET } after_t;

static after_t read_and_run(vstr_t *line) {
    MP_STATE_THREAD(gc_lock_depth) = 0;         // whatever left the heap locked must not lock the user out
    vstr_reset(line);
    mp_parse_input_kind_t kind = MP_PARSE_SINGLE_INPUT;
    completion_of_commands = !tool_prompt;
    int ended_by = readline(line, tool_prompt ? ">>> " : "clew> ");
    completion_of_commands = false;
    switch (ended_by) {
        case CHAR_CTRL_A:
            mp_hal_stdout_tx_str("\r\n");
            return RAW_MODE;
        case CHAR_CTRL_B:
            tool_prompt = true;
            print_tool_banner();
            return NEXT_LINE;
        case CHAR_CTRL_C:
            mp_hal_stdout_tx_str("\r\n");
            return NEXT_LINE;
        case CHAR_CTRL_D:
            mp_hal_stdout_tx_str("\r\n");
            return SOFT_RESET;
        case CHAR_CTRL_E:
            if (!read_paste(line)) {
                return NEXT_LINE;
            }
            kind = MP_PARSE_FILE_INPUT;
            break;
        default:
            if (!read_continuation(line)) {
                return NEXT_LINE;
            }
    }
    if (vstr_len(line) == 0) {
        return NEXT_LINE;
    }
    return run_input(line, kind) ? SOFT_RESET : NEXT_LINE;
}

// Reading a line needs memory that may not be there: then the line is lost, not the machine.
static __attribute__((noinline)) after_t read_and_run_protected(vstr_t *line) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        after_t after = read_and_run(line);
        nlr_pop();
        return after;
    }
    completion_of_commands = false;
    log_line_failed("it could not be read");
    mp_hal_stdout_tx_str("\r\n");
    print_exception(MP_OBJ_FROM_PTR(nlr.ret_val), NULL);
    return NEXT_LINE;
}

void console_run(void) {
    vstr_t line;
    vstr_init(&line, 64);
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        tool_prompt = false;
    }
    for (;;) {
        if (pyexec_mode_kind == PYEXEC_MODE_RAW_REPL) {
            if (pyexec_raw_repl() != 0) {
                return;
            }
            tool_prompt = true;
            print_tool_banner();
        }
        after_t after = read_and_run_protected(&line);
        if (after == SOFT_RESET) {
            return;
        }
        if (after == RAW_MODE) {
            pyexec_mode_kind = PYEXEC_MODE_RAW_REPL;
        }
    }
}

MP_REGISTER_ROOT_POINTER(mp_obj_t console_command_runner);
MP_REGISTER_ROOT_POINTER(mp_obj_t console_error_shower);
