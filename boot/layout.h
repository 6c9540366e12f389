/*
 * The address space of Clew, and every constant that assembler, linker, C and Python share.
 *
 *   index in    virtual address
 *   the root    with four levels      with five              what lives there
 *   ---------   -------------------   -------------------   ------------------------------------------------------
 *   0           0x0000000000000000    0x0000000000000000    identity map, during the boot only
 *   1..255      0x0000008000000000    0x0001000000000000    the lower half: each page table's own
 *   256..383    0xffff800000000000    0xff00000000000000    the physical window, paging_mode.window: physical address p
 *                                                           is at the window's beginning + p
 *   384..507    0xffffc00000000000    0xff80000000000000    the kernel's page pool (create_mapping and friends)
 *   508         0xfffffe0000000000    0xfffc000000000000    windows of the access techniques (temporary pages)
 *   509         0xfffffe8000000000    0xfffd000000000000    recursive slot of a table that is not active
 *   510         0xffffff0000000000    0xfffe000000000000    recursive slot of the active table
 *   511         0xffffff8000000000    0xffff000000000000    from KERNEL_BASE: the kernel image, behind it Python's
 *                                                           heap; from OBJECTS_BASE: object files that were loaded; from EMITTED_CODE_BASE:
 *                                                           the executable alias of the area for emitted code
 *
 * So each root entry has one purpose, however much it covers: what all roots share is the same 254 entries in either
 * mode. Python reads these numbers through `_boot.layout()`; nothing repeats them.
 */
#ifndef CLEW_BOOT_LAYOUT_H
#define CLEW_BOOT_LAYOUT_H

#ifdef __ASSEMBLER__
#define UL(n) n
#else
#define UL(n) n##UL
#endif

#define PAGE_SIZE               UL(0x1000)
#define HUGE_PAGE_SIZE          UL(0x200000)
#define ENTRIES_PER_TABLE       512

#define WINDOW_ROOT_INDEX         256
#define WINDOW_ROOT_ENTRIES       128
#define POOL_ROOT_INDEX           384
#define POOL_ROOT_ENTRIES         124
#define TECHNIQUE_ROOT_INDEX      508
#define OTHER_RECURSIVE_ROOT_INDEX 509
#define RECURSIVE_ROOT_INDEX      510
#define KERNEL_ROOT_INDEX         511

/* What is linked lies where both modes have it. The rest is computed: port/hardware/paging.c, memory_structs/mode.py. */
/* The last 2 GiB, which instructions reach with 32 bits, and the last GiB. */
#define KERNEL_BASE             UL(0xffffffff80000000)
#define EMITTED_CODE_BASE       UL(0xffffffffc0000000)
/* Loaded objects: every code model but "small" reaches itself and the image from here. Up to EMITTED_CODE_BASE. */
#define OBJECTS_BASE            UL(0xffffffffa0000000)
#define OBJECTS_BYTES           UL(0x20000000)

/* Where the loader puts the image, and how much of KERNEL_BASE its static tables can reach. */
#define KERNEL_LOAD_ADDRESS     UL(0x100000)
#define KERNEL_IMAGE_TABLES     16              /* level-1 tables: 2 MiB each */

#define KERNEL_STACK_BYTES      UL(0x40000)
#define FAULT_STACK_BYTES       UL(0x4000)
#define STACK_RESERVE_BYTES     UL(0x4000)      /* what stays below the limit of a stack of Python's: C does not look */
#define PYTHON_STACK_LIMIT      UL(0x20000)     /* RecursionError long before the guard page */
#define PYTHON_HEAP_BYTES       UL(0x800000)    /* at first, and at most: half of what the image leaves of RAM */
#define EMITTED_CODE_BYTES      UL(0x100000)
#define MINIMUM_RAM_BYTES       UL(0xd40000)    /* of 14 MiB what firmware leaves: image, heap, tables, some frames */

/* Segment selectors: see boot/long_mode.S. User segments in the order that nothing depends on. */
#define SELECTOR_KERNEL_CODE    0x08
#define SELECTOR_KERNEL_DATA    0x10
#define SELECTOR_USER_DATA      0x1b
#define SELECTOR_USER_CODE      0x23
#define SELECTOR_TASK           0x28

/* Slots of the task-state segment's interrupt stack table; 0 means "stay on the interrupted stack". */
#define IST_PAGE_FAULT          1
#define IST_DOUBLE_FAULT        2
#define IST_NON_MASKABLE        3
#define IST_INTERRUPT           4

/* Ports. */
#define PORT_SERIAL             0x3f8
#define PORT_LOG                0xe9
#define PORT_EXIT               0xf4

/* What is written to PORT_EXIT: QEMU ends with (value << 1) | 1. */
#define EXIT_VALUE_SUCCESS            0x10            /* QEMU status 33 */
#define EXIT_VALUE_FAILURE            0x11            /* QEMU status 35 */

/* Loaders identify themselves in EAX. */
#define LOADER_MULTIBOOT2       0x36d76289
#define LOADER_PVH              0x336ec578      /* the magic of hvm_start_info, put there by our entry */

#endif
