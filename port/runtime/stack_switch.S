/*
 * void stack_switch(void (*function)(void *), void *argument, uint64_t top, uint64_t *waits_at)
 *
 * Call function(argument) with the stack pointer at `top`, a multiple of 16. Where the stack that waits meanwhile is in
 * use from, goes to *waits_at. The function returns: exceptions don't leave the new stack (_stack.c).
 */
    .section .text
    .global stack_switch
stack_switch:
    push %rbp
    mov %rsp, %rbp
    mov %rsp, (%rcx)
    mov %rdx, %rsp
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    mov %rbp, %rsp
    pop %rbp
    ret
