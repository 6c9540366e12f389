/*
 * Where the other processors arrive. GS leads to the processor's block.
 *
 * Exceptions, interrupts and the non-maskable one have a stack each, so a job may have spoilt its own. A processor counts
 * the handlers that it is in: what would end a job from outside does not, while one is under way, or its stub is.
 */
#include "boot/layout.h"
#include "port/faults/vectors.h"
#include "port/processors/processors.h"

    .section .text
    .global processor_arrives
/* From the trampoline, in 64-bit mode, without a stack. */
processor_arrives:
    mov $1, %eax
    cpuid
    shr $24, %ebx                           /* the APIC id that it woke up with */
    movzbl processors_numbers(%rbx), %eax
    test %eax, %eax
    jz 1f
    dec %eax
    imul $PROCESSOR_BYTES, %rax, %rdi
    add processors_blocks(%rip), %rdi
    lea PROCESSOR_LOOP_STACK(%rdi), %rsp
    xor %ebp, %ebp
    call processor_main
1:  cli
    hlt
    jmp 1b

    .global processor_stubs_start, processor_stubs_end
processor_stubs_start:
    .altmacro
    .macro stub vector
processor_stub_\vector:
    .if HAS_ERROR_CODE(\vector) == 0
    push $0
    .endif
    push $\vector
    jmp processor_exception_common
    .endm
    .set vector, 0
    .rept EXCEPTIONS
    .if vector != VECTOR_NON_MASKABLE
    stub %vector
    .endif
    .set vector, vector + 1
    .endr

    /* The rest of trap_frame_t (port/faults/traps.h). */
    .macro push_registers
    .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    push %\register
    .endr
    .endm
    .macro pop_registers
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
    pop %\register
    .endr
    .endm

processor_exception_common:
    incq %gs:PROCESSOR_HANDLERS
    push_registers
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    sub $512, %rsp
    and $-16, %rsp
    fxsave64 (%rsp)
    call processor_exception
    fxrstor64 (%rsp)
    mov %rbx, %rsp
    decq %gs:PROCESSOR_HANDLERS
    pop_registers
    add $16, %rsp
    iretq

/* It is not counted: what it finds under way is what it looks at. */
processor_stub_2:
    push $0
    push $VECTOR_NON_MASKABLE
    push_registers
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call processor_non_maskable
    mov %rbx, %rsp
    pop_registers
    add $16, %rsp
    iretq

    /* An interrupt from another processor. What it calls uses no other registers than the general ones. */
    .macro interrupt_stub name, function
processor_stub_\name:
    incq %gs:PROCESSOR_HANDLERS
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    push %\register
    .endr
    cld
    call \function
    .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    pop %\register
    .endr
    decq %gs:PROCESSOR_HANDLERS
    iretq
    .endm
    interrupt_stub wake, processor_wake
    interrupt_stub shoot, processor_shoot
processor_stub_spurious:
    iretq
processor_stubs_end:

    .section .rodata
    .global processor_stubs
    .balign 8
processor_stubs:
    .macro address name, number
    .quad \name\number
    .endm
    .set number, 0
    .rept EXCEPTIONS
    address processor_stub_, %number
    .set number, number + 1
    .endr
    .if PROCESSOR_VECTOR_WAKE != EXCEPTIONS || PROCESSOR_VECTOR_SHOOT != EXCEPTIONS + 1
    .error "the two stand in this order"
    .endif
    .quad processor_stub_wake
    .quad processor_stub_shoot
    .rept PROCESSOR_VECTORS - EXCEPTIONS - 2
    .quad processor_stub_spurious
    .endr
