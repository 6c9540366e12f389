/*
 * One access in ring 0 or ring 3, and the way back. The stubs save nothing: whoever probes has put what it needs
 * on its stack, and goes on there with the exception's words in probe_machine. All of it with interrupts off.
 */
#include "boot/layout.h"
#include "port/faults/probe.h"
#include "port/faults/vectors.h"

    .section .bss
    .balign 8
    .global probe_machine
probe_machine:
    .skip PROBE_MACHINE_BYTES

    .section .text
    .global probe_perform
/* RDI address, RSI value, RDX entry point, RCX ring 3?, R8 flags to set. RDI and RSI are as they came at the entry. */
probe_perform:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    pushfq
    pop %rax
    mov %rax, probe_machine + PROBE_FLAGS(%rip)
    mov %rsp, probe_machine + PROBE_STACK(%rip)
    movq $1, probe_machine + PROBE_ARMED(%rip)
    or %r8, %rax
    test %rcx, %rcx
    jnz 1f
    push %rax
    popfq
    jmp *%rdx
1:  push $SELECTOR_USER_DATA
    push $0                             /* ring 3 needs no stack: it ends with an exception */
    push %rax
    push $SELECTOR_USER_CODE
    push %rdx
    iretq

    .global probe_read, probe_read_end, probe_write, probe_write_end
    .balign 16                          /* 8 bytes, so all in one page */
probe_read:
    mov (%rdi), %rax
    int3
probe_read_end:
probe_write:
    mov %rsi, (%rdi)
    int3
probe_write_end:

    .altmacro
    .macro probe_stub vector
probe_stub_\vector:
    .if HAS_ERROR_CODE(\vector) == 0
    push $0
    .endif
    push $\vector
    jmp probe_arrived
    .endm
    .set number, 0
    .rept EXCEPTIONS
    probe_stub %number
    .set number, number + 1
    .endr

/* (RSP) = vector, error code, RIP, CS, RFLAGS, RSP, SS; after ring 3 on the TSS's stack, SS null. */
probe_arrived:
    cmpq $0, probe_machine + PROBE_ARMED(%rip)
    je 1f
    movq $0, probe_machine + PROBE_ARMED(%rip)
    mov %rax, probe_machine + PROBE_VALUE(%rip)
    pop probe_machine + PROBE_VECTOR(%rip)
    pop probe_machine + PROBE_ERROR(%rip)
    pop probe_machine + PROBE_RIP(%rip)
    mov %cr2, %rax
    mov %rax, probe_machine + PROBE_CR2(%rip)
    mov $SELECTOR_KERNEL_DATA, %eax
    mov %eax, %ss
    mov probe_machine + PROBE_STACK(%rip), %rsp
    push probe_machine + PROBE_FLAGS(%rip)
    popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
1:  pop %rdi
    pop %rsi
    pop %rdx
    and $-16, %rsp
    call probe_unexpected

    .section .rodata
    .global probe_stubs
    .balign 8
probe_stubs:
    .macro probe_stub_address number
    .quad probe_stub_\number
    .endm
    .set number, 0
    .rept EXCEPTIONS
    probe_stub_address %number
    .set number, number + 1
    .endr
