// `_provoke`: exceptions of the processor on purpose, for tests of who deals with them. Contracts: port/typings/_provoke.pyi.
// In C because each is an instruction that no Python has, or breaks what Python stands on.
#include "port/console/uart.h"
#include "port/faults/traps.h"
#include "port/faults/vectors.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"

// Each provokes the exception of its vector. Two of them take the machine down on purpose: 8 has a stack pointer that
// the processor can't even push a frame to, 14 one that is an address but not a stack.
NATIVE_1(provoke_exception, vector) {
    switch (native_get_below(vector, VECTORS, "vector")) {
        case VECTOR_DIVIDE: __asm__ volatile ("xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; div %%ecx" : : : "rax", "rcx", "rdx"); break;
        case VECTOR_BREAKPOINT: __asm__ volatile ("int3"); break;
        case VECTOR_INVALID_OPCODE: __asm__ volatile ("ud2"); break;
        case VECTOR_DOUBLE_FAULT: __asm__ volatile ("mov %0, %%rsp; push %%rax" : : "r"(2 * paging_mode.half_bytes - 4096) : "memory"); break;
        case VECTOR_STACK: __asm__ volatile ("1: sub $8, %%rsp; push %%rax; jmp 1b" : : : "memory"); break;
        case VECTOR_GENERAL_PROTECTION: *(volatile char *)paging_mode.half_bytes; break;        // not canonical
        case VECTOR_PAGE_FAULT: __asm__ volatile ("mov $0x100000000000, %%rsp; push %%rax" : : : "memory"); break;
        default: mp_raise_ValueError(MP_ERROR_TEXT("vectors that can be provoked: 0, 3, 6, 8 (panic), 12 (stack overflow), 13, 14 (panic)"));
    }
    return mp_const_none;
}

// The two rows of the policy in port/faults/traps.c that no Python can bring about; both take the machine down on purpose.
NATIVE_0(provoke_uncaught) {
    MP_STATE_THREAD(nlr_top) = NULL;
    __asm__ volatile ("ud2" : : : "memory");
    return mp_const_none;
}

// By a trap and not a fault: a fault would set RF in the saved flags, which keeps the next breakpoint from striking.
NATIVE_0(provoke_while_raising) {
    traps_break_while_raising();
    __asm__ volatile ("int3" : : : "memory");
    return mp_const_none;
}

// A ring that is full is 1 MiB of typing.
NATIVE_1(provoke_typed_ahead, bytes) {
    uart_set_room(native_get_below(bytes, 1UL << 20, "bytes"));
    return mp_const_none;
}

NATIVE_MODULE(provoke,
    NATIVE(provoke, exception), NATIVE(provoke, uncaught), NATIVE(provoke, typed_ahead),
    NATIVE(provoke, while_raising));
