/*
 * What loaders look for in the image: the multiboot2 header (GRUB) and the PVH note (qemu -kernel).
 * Multiboot2 Specification 2.0, "OS image format"; Xen's "x86/HVM direct boot ABI".
 *
 * There is no multiboot1 header on purpose: QEMU would take that path and refuse a 64-bit ELF file.
 */
#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define ARCHITECTURE_I386 0
#define TAG_END 0
#define TAG_FRAMEBUFFER 5
#define TAG_OPTIONAL 1
#define XEN_ELFNOTE_PHYS32_ENTRY 18

    .section .boot.header, "a"
    .balign 8
multiboot2_header:
    .long MULTIBOOT2_HEADER_MAGIC
    .long ARCHITECTURE_I386
    .long multiboot2_header_end - multiboot2_header
    .long -(MULTIBOOT2_HEADER_MAGIC + ARCHITECTURE_I386 + (multiboot2_header_end - multiboot2_header))
    .short TAG_END, 0
    .long 8
multiboot2_header_end:

    /* QEMU reads the descriptor as a size_t at an offset that p_align (4) rounds: hence .quad. */
    .section .note.Xen, "a", @note
    .balign 4
    .long 4                         /* namesz */
    .long 8                         /* descsz */
    .long XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_start
