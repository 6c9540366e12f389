// From long mode to the prompt, and round again at every soft reset.
#include <string.h>
#include "py/builtin.h"
#include "py/compile.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/pystack.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "py/mperrno.h"
#include "shared/readline/readline.h"
#include "shared/runtime/pyexec.h"
#include "boot/layout.h"
#include "port/boot/depth.h"
#include "port/boot/info.h"
#include "port/boot/tables.h"
#include "port/console/console.h"
#include "port/console/uart.h"
#include "port/faults/device_interrupts.h"
#include "port/faults/gates.h"
#include "port/faults/interrupt_controllers.h"
#include "port/faults/panic.h"
#include "port/faults/handlers.h"
#include "port/faults/traps.h"
#include "port/hardware/bus_masters.h"
#include "port/hardware/cpu.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/paging.h"
#include "port/hardware/stacks.h"
#include "port/ledger/finaliser.h"
#include "port/ledger/records.h"
#include "port/processors/processors.h"
#include "port/runtime/clock.h"
#include "port/runtime/critical.h"
#include "port/runtime/emitted_code.h"
#include "port/runtime/heap.h"
#include "port/runtime/names.h"
#include "port/runtime/ram_disk.h"
#include "port/runtime/safe_point.h"

#define PYSTACK_BYTES 0x10000

static mp_obj_t python_stack[PYSTACK_BYTES / sizeof(mp_obj_t)];
char ram_disk[RAM_DISK_BYTES] __attribute__((aligned(4096)));

const char clew_help_text[] = "Type help without brackets for Clew's commands. Anything else is MicroPython.\n";


// Once, from power-on.
static void start_machine(uint32_t magic, uint64_t information) {
    uart_init();
    boot_info_read(magic, information);         // first: with too little RAM there is no place for what comes
    depth_choose();
    paging_init();
    cpu_init();
    gates_init();                               // from here on a fault is a panic
    boot_tables_build();
    boot_tables_activate();
    interrupt_controllers_init();
    clock_init();
    panic_register(mapper_events_print);
    mp_stack_set_top(STACK_TOP(kernel_stack));
    mp_stack_set_limit(PYTHON_STACK_LIMIT);
    interrupts_enable();
}

// The root pointers of the port are not cleared by mp_init(): whatever they hold lies in the heap that was.
static void forget_root_pointers(void) {
    MP_STATE_VM(callback_runner) = MP_OBJ_NULL;
    MP_STATE_VM(console_command_runner) = MP_OBJ_NULL;
    MP_STATE_VM(console_completer) = MP_OBJ_NULL;
    MP_STATE_VM(console_completion) = MP_OBJ_NULL;
    MP_STATE_VM(console_error_shower) = MP_OBJ_NULL;
    MP_STATE_VM(trap_describer) = MP_OBJ_NULL;
    MP_STATE_VM(trap_views) = MP_OBJ_NULL;
    MP_STATE_VM(view_refuser) = MP_OBJ_NULL;
    MP_STATE_VM(argument_error) = MP_OBJ_NULL;
    MP_STATE_VM(argument_reason) = MP_OBJ_NULL;
}

static void start_python(void) {
    bus_masters_stop();
    keys_reset();
    boot_tables_activate();
    forget_root_pointers();
    critical_reset();
    traps_reset();
    emitted_code_reset();
    finaliser_reset();
    heap_reset();
    records_reset();
    inject_reset();
    uint64_t flags = interrupts_disable();      // or an interrupt in between would have a node on no list
    device_interrupts_reset();
    safe_point_reset();
    interrupts_restore(flags);
    mp_pystack_init(python_stack, python_stack + MP_ARRAY_SIZE(python_stack));
    gc_init(first_heap.start, first_heap.start + first_heap.bytes);
    mp_init();
    readline_init0();
}

// The boot order proper is kernel/main.py. It is imported, not run in __main__, which stays the user's.
static void run_kernel(void) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t boot = mp_import_name(qstr_from_str("main"), mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
        mp_call_function_1(mp_load_attr(boot, MP_QSTR_boot), mp_obj_new_bool(pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL));
        names_spread();
        nlr_pop();
        return;
    }
    mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    panic("kernel/main.py did not come to its end");
}

// What Python wants to be done before it ends, by sys.atexit().
static void call_exit_function(void) {
    nlr_buf_t nlr;
    if (MP_STATE_VM(sys_exitfunc) == mp_const_none) {
        return;
    }
    mp_hal_set_interrupt_char(CHAR_CTRL_C);     // it may be ended
    if (nlr_push(&nlr) == 0) {
        mp_call_function_0(MP_STATE_VM(sys_exitfunc));
        nlr_pop();
    } else {
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
}

// The finalisers come first, those of files that were left open among them: what they look at may lie in areas of the heap
// that only Python's own tables map. What they find was not overwritten, whichever went before: nothing is allocated.
static void stop_python(void) {
    call_exit_function();
    mp_hal_set_interrupt_char(-1);
    processors_park_all();
    forget_root_pointers();
    fault_handlers_reset();
    collector_is_running = true;
    gc_sweep_all();
    collector_is_running = false;
    boot_tables_activate();
    mp_deinit();
}

// Called by boot/long_mode.S, on the kernel stack, interrupts off.
void kernel_entry(uint32_t magic, uint64_t information) {
    start_machine(magic, information);
    for (;;) {
        start_python();
        run_kernel();
        stack_forget_returned_calls();
        console_run();
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        stop_python();
    }
}

void nlr_jump_fail(void *exception) {
    (void)exception;
    panic("an exception that nobody catches");
}

void __assert_func(const char *file, int line, const char *function, const char *expression) {
    panic("%s:%d: %s: %s", file, line, function, expression);
}
