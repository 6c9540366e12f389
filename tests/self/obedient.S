// A guest for tests of the harness itself: it prints a prompt on COM1 and obeys one letter at a time.
//   x exit with success    f exit with failure    h hang, deaf    t triple fault    r reset
//   p log a panic and hang    m write 0x1122334455667788 at 1 MiB + 64 KiB    any other letter: echo it
// Booted by qemu -kernel through the PVH note; 32-bit protected mode, no stack, no interrupts.

        .section .note.Xen, "a", @note
        .long   4, 4, 18
        .asciz  "Xen"
        .long   start

        .text
        .code32
        .globl  start
start:  mov     $prompt, %esi
1:      mov     $0x3fd, %dx             // line status: wait until the transmitter is empty
2:      in      %dx, %al
        test    $0x20, %al
        jz      2b
        lodsb
        test    %al, %al
        jz      3f
        mov     $0x3f8, %dx
        out     %al, %dx
        jmp     1b
3:      mov     $0x3fd, %dx             // wait for a letter
        in      %dx, %al
        test    $1, %al
        jz      3b
        mov     $0x3f8, %dx
        in      %dx, %al
        cmp     $'x', %al
        je      success
        cmp     $'f', %al
        je      failure
        cmp     $'h', %al
        je      hang
        cmp     $'t', %al
        je      triple_fault
        cmp     $'r', %al
        je      reset
        cmp     $'p', %al
        je      panic
        cmp     $'m', %al
        je      memory
        out     %al, %dx
        jmp     start

success: mov    $0x10, %al
        jmp     leave
failure: mov    $0x11, %al
leave:  mov     $0xf4, %dx
        out     %al, %dx
hang:   cli
        hlt
        jmp     hang
triple_fault:
        lidt    no_idt
        ud2
reset:  mov     $0xfe, %al
        out     %al, $0x64
        jmp     hang
panic:  mov     $panic_text, %esi
        mov     $0xe9, %dx
        mov     $panic_end - panic_text, %ecx
        rep outsb
        jmp     hang
memory: movl    $0x55667788, 0x110000
        movl    $0x11223344, 0x110004
        jmp     start

prompt: .asciz  "\r\nclew> "
panic_text: .ascii "PANIC: asked to\n"
panic_end:
no_idt: .word   0
        .long   0
