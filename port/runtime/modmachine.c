// Included by extmod/modmachine.c: the machine functions of MicroPython that mean something here.
#include "py/mphal.h"
#include "port/hardware/machine.h"
#include "port/runtime/clock.h"

NORETURN static void mp_machine_reset(void) {
    machine_reboot();
}

// The PC has no register that tells why it started.
static mp_int_t mp_machine_reset_cause(void) {
    return 0;
}

static void mp_machine_idle(void) {
    clock_wait_for_interrupt(1);
}
