/*
 * Where the processor arrives for exceptions and interrupts. Every stub makes one frame (trap_frame_t in traps.h)
 * on the interrupted stack, so that the collector finds registers that were live, and calls trap_dispatch.
 *
 * Interrupts come on a stack of their own, as they come wherever they like: the interrupted one may be at its end.
 * #PF comes on a stack of its own, because the interrupted one may be the reason. When it is good, the frame moves
 * over to it; when it is not, the machine has to stop, with a message: trap_on_bad_stack.
 */
#include "boot/layout.h"
#include "port/faults/vectors.h"

#define SIX_WORDS 48                /* error code, RIP, CS, RFLAGS, RSP, SS */
#define RING_MASK 3
#define STACK_RESERVE 0x1000        /* what a handler needs at least */

    .section .text
    .altmacro
    .macro stub vector
trap_stub_\vector:
    .if HAS_ERROR_CODE(\vector) == 0
    push $0
    .endif
    push $\vector
    jmp trap_common
    .endm

    /* The part of the frame above R12, before R11 may hold the handler. */
    .macro push_down_to_r11
    .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11
    push %\register
    .endr
    .endm

    .set vector, 0
    .rept VECTORS
    .if vector != VECTOR_PAGE_FAULT
    stub %vector
    .endif
    .set vector, vector + 1
    .endr

/* On IST_PAGE_FAULT: (RSP) = error code, 8 RIP, 16 CS, 24 RFLAGS, 32 RSP, 40 SS. */
trap_stub_14:
    testb $RING_MASK, 16(%rsp)
    jnz on_this_stack
    push %rax
    push %rbx
    mov 48(%rsp), %rax                      /* interrupted RSP */
    mov stack_in_use(%rip), %rbx            /* its bottom */
    add $STACK_RESERVE, %rbx
    cmp %rbx, %rax
    jb bad_stack
    cmp (stack_in_use + 8)(%rip), %rax      /* its top */
    ja bad_stack
    and $-16, %rax
    sub $(SIX_WORDS + 16), %rax             /* room for the six words and the two saved registers */
    .irp offset, 0, 8, 16, 24, 32, 40
    mov (16 + \offset)(%rsp), %rbx
    mov %rbx, (16 + \offset)(%rax)
    .endr
    mov 8(%rsp), %rbx
    mov %rbx, 8(%rax)
    mov (%rsp), %rbx
    mov %rbx, (%rax)
    mov %rax, %rsp
    pop %rbx
    pop %rax
on_this_stack:
    push $VECTOR_PAGE_FAULT
    jmp trap_common
bad_stack:
    pop %rbx
    pop %rax
    push $VECTOR_PAGE_FAULT
    lea trap_on_bad_stack(%rip), %r11       /* R11 is lost; the machine is about to stop or to unwind */
    jmp trap_with_r11

trap_common:
    push_down_to_r11
    lea trap_dispatch(%rip), %r11
    jmp 1f
trap_with_r11:
    push_down_to_r11
1:  push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    sub $512, %rsp
    and $-16, %rsp
    fxsave64 (%rsp)
    call *%r11
    fxrstor64 (%rsp)
    mov %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

    .section .rodata
    .global trap_stubs
    .balign 8
trap_stubs:
    .set vector, 0
    .macro stub_address number
    .quad trap_stub_\number
    .endm
    .rept VECTORS
    stub_address %vector
    .set vector, vector + 1
    .endr
