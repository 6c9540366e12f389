/*
 * Where another processor begins: at the start of a page below 1 MiB, in real mode, CS:IP = page << 8 : 0. This code is
 * copied there, with the four words at its end filled in. State on entry: as INIT leaves a processor (SDM volume 3, "Processor State After
 * Reset"). On the way out: 64-bit mode, on a root that maps this page and the kernel's half; no stack.
 */
#include "boot/layout.h"
#include "port/hardware/registers.h"

#define OF(place) (place - trampoline_start)

    .section .rodata
    .global trampoline_start, trampoline_root, trampoline_end
    .code16
trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    mov OF(trampoline_cr4), %eax
    mov %eax, %cr4
    mov OF(trampoline_root), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    mov $(EFER_LME | EFER_NXE), %eax
    xor %edx, %edx
    wrmsr
    lgdtl OF(trampoline_gdt_pointer)
    mov $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    mov %eax, %cr0
    ljmpl *OF(trampoline_far_pointer)

    .code64
trampoline_long_mode:
    mov $SELECTOR_KERNEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $processor_arrives, %rax
    jmp *%rax

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            /* SELECTOR_KERNEL_CODE: 64-bit, ring 0 */
    .quad 0x00cf93000000ffff            /* SELECTOR_KERNEL_DATA */
trampoline_gdt_end:
    .balign 4
trampoline_root:
    .long 0                             /* CR3 */
trampoline_far_pointer:
    .long OF(trampoline_long_mode)      /* plus where the page is */
    .word SELECTOR_KERNEL_CODE
trampoline_gdt_pointer:
    .word trampoline_gdt_end - trampoline_gdt - 1
    .long OF(trampoline_gdt)            /* plus where the page is */
trampoline_cr4:
    .long CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT         /* and LA57, as the first processor has it */
trampoline_end:
