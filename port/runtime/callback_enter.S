/*
 * Where the thunks of callbacks lead. A thunk is 8 bytes at a multiple of 8 and begins with `call`, so the first thing on
 * the stack says which one it was; then comes where the machine code goes on. System V ABI: arguments in six registers
 * and in XMM0 to XMM7, the result in RAX or XMM0.
 */
#include "port/runtime/callback.h"

    .section .text
    .global callback_enter
callback_enter:
    pop %rax
    push %rbp
    mov %rsp, %rbp
    sub $CALLBACK_REGISTERS_BYTES, %rsp
    and $-16, %rsp
    cld
    mov %rdi, (%rsp)
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    mov %rcx, 24(%rsp)
    mov %r8, 32(%rsp)
    mov %r9, 40(%rsp)
    movsd %xmm0, 48(%rsp)
    movsd %xmm1, 56(%rsp)
    movsd %xmm2, 64(%rsp)
    movsd %xmm3, 72(%rsp)
    movsd %xmm4, 80(%rsp)
    movsd %xmm5, 88(%rsp)
    movsd %xmm6, 96(%rsp)
    movsd %xmm7, 104(%rsp)
    mov %rax, %rdi
    mov %rsp, %rsi
    call callback_run
    mov (%rsp), %rax
    movsd 48(%rsp), %xmm0
    leave
    ret
