/*
 * From the loader's 32-bit protected mode to 64-bit mode in the higher half.
 *
 * State on entry (both loaders): flat 4 GiB segments, paging off, interrupts off, no stack.
 *   multiboot2_start: EAX = 0x36d76289, EBX = boot information (physical)
 *   pvh_start:        EBX = hvm_start_info (physical), whose first word is 0x336ec578
 *
 * What stops here prints one line on the serial port and ends the machine with a failing status.
 */
#include "layout.h"
#include "port/hardware/paging.h"
#include "port/hardware/registers.h"

#define CPUID_EXTENDED_MAX 0x80000000
#define CPUID_EXTENDED_FEATURES 0x80000001
#define CPUID_NX_BIT 20
#define CPUID_LONG_MODE_BIT 29
#define TO_TABLE (ENTRY_PRESENT | ENTRY_WRITABLE)
#define TO_PAGE (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_HUGE)
#define KERNEL_P3_INDEX 510         /* of KERNEL_BASE in its level-3 table */
#define SELECTOR_ENTRY_CODE_32 0x18
#define LINE_STATUS 5
#define TRANSMITTER_EMPTY 0x20

    .section .boot.text, "ax"
    .code32

/* State: whatever ran the image as a program of its own. Refuse all but multiboot2. */
    .global multiboot2_start
multiboot2_start:
    cli
    cld
    mov $entry_stack_top, %esp
    mov %eax, %ebp
    mov %ebx, %esi
    call serial_init
    cmp $LOADER_MULTIBOOT2, %ebp
    je enter_long_mode
    mov $message_protocol, %edi
    jmp refuse

/* State: as QEMU's -kernel leaves it. EAX means nothing here, the magic is in memory. */
    .global pvh_start
pvh_start:
    cli
    cld
    mov $entry_stack_top, %esp
    mov %ebx, %esi
    call serial_init
    mov $message_protocol, %edi
    test %esi, %esi
    jz refuse
    mov (%esi), %ebp
    cmp $LOADER_PVH, %ebp
    jne refuse

/* State: EBP = loader's magic, ESI = its information. Check the CPU before touching its modes. */
enter_long_mode:
    call require_long_mode
    call build_entry_tables

    /* State: tables ready, paging off. Every bit written below is one that CPUID promised, or is in every CPU with long mode. */
    mov $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
    mov %eax, %cr4
    mov $entry_p4, %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $(EFER_LME | EFER_NXE), %eax
    wrmsr
    mov %cr0, %eax
    and $~(CR0_EM | CR0_TS | CR0_NW | CR0_CD), %eax
    or $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
    mov %eax, %cr0
    lgdt entry_gdt_pointer
    ljmp $SELECTOR_KERNEL_CODE, $long_mode

/* ESI and EBP are kept. Does not return when the CPU can't run this kernel. */
require_long_mode:
    mov $message_long_mode, %edi
    pushfl
    pop %eax
    mov %eax, %ecx
    xor $FLAGS_ID, %eax
    push %eax
    popfl
    pushfl
    pop %eax
    cmp %ecx, %eax
    je refuse
    mov $CPUID_EXTENDED_MAX, %eax
    cpuid
    cmp $CPUID_EXTENDED_FEATURES, %eax
    jb refuse
    mov $CPUID_EXTENDED_FEATURES, %eax
    cpuid
    bt $CPUID_LONG_MODE_BIT, %edx
    jnc refuse
    mov $message_nx, %edi
    bt $CPUID_NX_BIT, %edx
    jnc refuse
    ret

/*
 * The first tables, good for nothing but getting to C: 4 GiB of identity map in 2 MiB pages, and the
 * image at KERNEL_BASE through the same level-2 table. port/boot/tables.c builds the real ones.
 */
build_entry_tables:
    movl $(entry_p3_low + TO_TABLE), entry_p4
    movl $(entry_p3_kernel + TO_TABLE), entry_p4 + KERNEL_ROOT_INDEX * 8
    movl $(entry_p2 + TO_TABLE), entry_p3_kernel + KERNEL_P3_INDEX * 8
    mov $(entry_p2 + TO_TABLE), %eax
    mov $entry_p3_low, %edi
    mov $4, %ecx
1:  mov %eax, (%edi)
    add $8, %edi
    add $0x1000, %eax
    loop 1b
    mov $TO_PAGE, %eax
    mov $entry_p2, %edi
    mov $(4 * ENTRIES_PER_TABLE), %ecx
1:  mov %eax, (%edi)
    add $8, %edi
    add $HUGE_PAGE_SIZE, %eax
    loop 1b
    ret

/* 115200 baud, 8 data bits, no parity: Bochs starts its port with 5 data bits. */
serial_init:
    mov $serial_settings, %edi
1:  movzwl (%edi), %edx
    test %edx, %edx
    jz 2f
    mov 2(%edi), %al
    out %al, %dx
    add $3, %edi
    jmp 1b
2:  ret

/* State: anything. Print the line at EDI, then end the machine with a failing status. */
refuse:
    mov (%edi), %bl
    test %bl, %bl
    jz 2f
    mov $(PORT_SERIAL + LINE_STATUS), %edx
1:  in %dx, %al
    test $TRANSMITTER_EMPTY, %al
    jz 1b
    mov $PORT_SERIAL, %edx
    mov %bl, %al
    out %al, %dx
    mov $PORT_LOG, %edx
    out %al, %dx
    inc %edi
    jmp refuse
2:  mov $PORT_EXIT, %edx
    mov $EXIT_VALUE_FAILURE, %eax
    out %eax, %dx
3:  cli
    hlt
    jmp 3b

/* State: 64-bit code at its physical address. Leave for the higher half. */
    .code64
long_mode:
    mov $SELECTOR_KERNEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $kernel_stack_top, %rsp
    mov %ebp, %edi
    mov %esi, %esi
    xor %ebp, %ebp
    mov $kernel_entry, %rax
    call *%rax
1:  cli
    hlt
    jmp 1b

/*
 * For C, on the entry tables: one level more above them. CR4.LA57 can only change while paging is off, and so not in
 * 64-bit mode: there and back through 32-bit code at its physical address (SDM volume 3, "4-Level Paging and 5-Level
 * Paging"). The stack is in the last 2 GiB: the low half of its pointer, all that 32-bit code keeps, is enough.
 */
    .text
    .global five_levels_enter
five_levels_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov $entry_p5, %edi
    mov $ENTRIES_PER_TABLE, %ecx
    xor %eax, %eax
    rep stosq
    movl $(entry_p4 + TO_TABLE), entry_p5
    movl $(entry_p4 + TO_TABLE), entry_p5 + KERNEL_ROOT_INDEX * 8
    push $SELECTOR_ENTRY_CODE_32
    push $without_paging
    lretq

    .section .boot.text, "ax"
    .code32
without_paging:
    mov %cr0, %eax
    xor $CR0_PG, %eax
    mov %eax, %cr0
    mov %cr4, %ecx
    or $CR4_LA57, %ecx
    mov %ecx, %cr4
    mov $entry_p5, %ecx
    mov %ecx, %cr3
    xor $CR0_PG, %eax
    mov %eax, %cr0
    ljmp $SELECTOR_KERNEL_CODE, $with_five_levels
    .code64
with_five_levels:
    movslq %esp, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .section .boot.data, "aw"
    .balign 8
entry_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        /* SELECTOR_KERNEL_CODE: 64-bit, ring 0 */
    .quad 0x00cf93000000ffff        /* SELECTOR_KERNEL_DATA */
    .quad 0x00cf9b000000ffff        /* SELECTOR_ENTRY_CODE_32: 32-bit, ring 0 */
entry_gdt_end:
entry_gdt_pointer:
    .word entry_gdt_end - entry_gdt - 1
    .long entry_gdt

/* Port, value; a port of 0 ends the list. */
serial_settings:
    .word PORT_SERIAL + 1; .byte 0x00   /* no interrupts yet */
    .word PORT_SERIAL + 3; .byte 0x80   /* divisor latch */
    .word PORT_SERIAL + 0; .byte 0x01   /* 115200 baud */
    .word PORT_SERIAL + 1; .byte 0x00
    .word PORT_SERIAL + 3; .byte 0x03   /* 8 data bits, no parity, one stop bit */
    .word PORT_SERIAL + 4; .byte 0x0b   /* DTR, RTS, OUT2 (gates the interrupt) */
    .word 0

message_protocol:
    .asciz "clew: cannot boot: not started by a multiboot2 or PVH loader; use GRUB's multiboot2 command or qemu -kernel\r\n"
message_long_mode:
    .asciz "clew: cannot boot: this CPU has no 64-bit long mode; try qemu -cpu max\r\n"
message_nx:
    .asciz "clew: cannot boot: this CPU has no NX (no-execute) bit; try qemu -cpu max\r\n"

    .section .boot.bss, "aw", @nobits
    .balign 0x1000
entry_p4:           .skip 0x1000
entry_p3_low:       .skip 0x1000
entry_p3_kernel:    .skip 0x1000
entry_p2:           .skip 4 * 0x1000
entry_p5:                               /* with five levels, when C runs, on a stack of its own */
entry_stack:        .skip 0x1000
entry_stack_top:
