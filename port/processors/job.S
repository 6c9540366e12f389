/*
 * How a processor calls a job, and how the job ends. GS leads to the processor's block.
 */
#include "boot/layout.h"
#include "port/processors/processors.h"

    .section .text
    .global processor_call_job, processor_recover
/* Call the job of this processor's mailbox, on the stack that it was given, with interrupts on; come back when it is over. */
processor_call_job:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %gs:PROCESSOR_RECOVER
    mov %gs:PROCESSOR_STACK, %rsp
    .set number, 0
    .altmacro
    .macro load_float number
    movsd %gs:PROCESSOR_FLOATS + 8 * \number, %xmm\number
    .endm
    .rept 8
    load_float %number
    .set number, number + 1
    .endr
    mov %gs:PROCESSOR_INTEGERS, %rdi
    mov %gs:PROCESSOR_INTEGERS + 8, %rsi
    mov %gs:PROCESSOR_INTEGERS + 16, %rdx
    mov %gs:PROCESSOR_INTEGERS + 24, %rcx
    mov %gs:PROCESSOR_INTEGERS + 32, %r8
    mov %gs:PROCESSOR_INTEGERS + 40, %r9
    sti
    call *%gs:PROCESSOR_ENTRY
    mov %rax, %gs:PROCESSOR_RESULT
    movsd %xmm0, %gs:PROCESSOR_RESULT_FLOAT
    movq $OUTCOME_DONE, %gs:PROCESSOR_OUTCOME
/* Whatever ended the job has said how in the block, and comes here with any registers: all is lost but what is on this stack. */
processor_recover:
    cli
    cld
    mov %gs:PROCESSOR_RECOVER, %rsp
    movq $0, %gs:PROCESSOR_RECOVER
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* A viper function wants entry RAX of MicroPython's table: that ends the job. */
    .global processor_refuse
processor_refuse:
    mov %rax, %gs:PROCESSOR_RESULT
    movq $OUTCOME_REFUSED, %gs:PROCESSOR_OUTCOME
    jmp processor_recover
    .macro refusal number
processor_refusal_\number:
    mov $\number, %eax
    jmp processor_refuse
    .endm
    .set number, 0
    .rept VIPER_ENTRIES
    refusal %number
    .set number, number + 1
    .endr

    .section .rodata
    .global processor_refusals
    .balign 8
    .macro refusal_address number
    .quad processor_refusal_\number
    .endm
processor_refusals:
    .set number, 0
    .rept VIPER_ENTRIES
    refusal_address %number
    .set number, number + 1
    .endr
