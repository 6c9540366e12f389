// Machine code calls a Python function: kernel/loader/callbacks.py makes the addresses that it calls, and decides what a
// call of one means. What that raises leaves the machine code as a fault in it does: at whoever called it from Python.
#include "py/objarray.h"
#include "py/runtime.h"
#include "port/processors/processors.h"
#include "port/runtime/callback.h"

MP_REGISTER_ROOT_POINTER(mp_obj_t callback_runner);

// By callback_enter.S: `registers` are those of the arguments, and where the result is put.
void callback_run(uint64_t address, void *registers) {
    if (processors_online != 0) {
        processors_refuse_python(WANTS_CALLBACK);
    }
    mp_obj_t numbers = mp_obj_new_bytearray_by_ref(CALLBACK_REGISTERS_BYTES, registers);
    mp_call_function_2(MP_STATE_VM(callback_runner), MP_OBJ_NEW_SMALL_INT(address >> 3), numbers);
}
