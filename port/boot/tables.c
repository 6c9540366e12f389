// The static boot tables: what the machine runs on until Python has built its own, and again after every soft
// reset. Text r-x, read-only data and what is emitted r--, data rw-, guard pages absent; physical window and identity
// map rw- without execute. Built once; reserved for ever.
//
// Tables nest here because Python can't run before there are any.
#include "boot/layout.h"
#include "port/boot/early_frames.h"
#include "port/boot/image.h"
#include "port/boot/info.h"
#include "port/boot/tables.h"
#include "port/faults/panic.h"
#include "port/hardware/cpu.h"
#include "port/hardware/instructions.h"
#include "port/hardware/paging_walk.h"
#include "port/hardware/stacks.h"

#define GIGABYTE    bytes_of_level(3)

typedef uint64_t table_t[ENTRIES_PER_TABLE] __attribute__((aligned(4096)));
#define STATIC_TABLES __attribute__((section(".bss.tables")))

static table_t root STATIC_TABLES, kernel_p3 STATIC_TABLES, kernel_p2 STATIC_TABLES, emitted_p2 STATIC_TABLES,
    emitted_p1 STATIC_TABLES, kernel_p1[KERNEL_IMAGE_TABLES] STATIC_TABLES;
uint64_t boot_tables_root, window_bytes;
first_heap_t first_heap;

static uint64_t entry_to(const void *table) {
    return image_physical(table) | ENTRY_PRESENT | ENTRY_WRITABLE;
}

// The table at a level, 3 at least, on the way of an address; those that are missing on this way are made.
static uint64_t *table_towards(uint64_t address, unsigned wanted) {
    uint64_t *table = root;
    for (unsigned level = paging_levels(); level > wanted; level--) {
        uint64_t *entry = &table[index_of_address(address, level)];
        if (*entry == 0) {
            *entry = early_frame_allocate() | ENTRY_PRESENT | ENTRY_WRITABLE;
        }
        table = (uint64_t *)(*entry & ENTRY_FRAME);
    }
    return table;
}

// The physical window with the largest pages that the CPU has. Also the identity map: the same tables below the root.
static void build_window(void) {
    const uint64_t window = paging_mode.window;
    uint64_t top = boot_info.ram_end > 4 * GIGABYTE ? boot_info.ram_end : 4 * GIGABYTE;
    if (boot_info.framebuffer.address >= top) {
        top = boot_info.framebuffer.address + (uint64_t)boot_info.framebuffer.pitch * boot_info.framebuffer.height;
    }
    if (top > WINDOW_ROOT_ENTRIES * bytes_of_level(paging_levels())) {
        boot_refuse("RAM above 64 TiB is beyond the physical window");
    }
    window_bytes = (top + GIGABYTE - 1) / GIGABYTE * GIGABYTE;
    for (uint64_t address = 0; address < top; address += GIGABYTE) {
        uint64_t *entry = &table_towards(window + address, 3)[index_of_address(address, 3)];
        if (cpu_features.gigabyte_pages) {
            *entry = address | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_HUGE | ENTRY_NO_EXECUTE;
            continue;
        }
        uint64_t frame = early_frame_allocate();
        for (uint64_t i = 0; i < ENTRIES_PER_TABLE; i++) {
            ((uint64_t *)frame)[i] = (address + i * HUGE_PAGE_SIZE) | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_HUGE | ENTRY_NO_EXECUTE;
        }
        *entry = frame | ENTRY_PRESENT | ENTRY_WRITABLE;
    }
    root[0] = root[WINDOW_ROOT_INDEX];
}

static void map_image(const char *start, const char *end, uint64_t flags) {
    for (uint64_t address = (uint64_t)start; address < (uint64_t)end; address += PAGE_SIZE) {
        uint64_t page = (address - KERNEL_BASE) / PAGE_SIZE;
        kernel_p1[page / ENTRIES_PER_TABLE][page % ENTRIES_PER_TABLE] = (address - KERNEL_BASE) | ENTRY_PRESENT | flags;
    }
}

// Python's heap: behind the image where that is linked, in frames that touch. On a small machine half of what is left.
static void place_heap(void) {
    uint64_t left = boot_info.usable_bytes - ((uint64_t)__image_end - (uint64_t)__image_start);
    first_heap.bytes = (left / 2 < PYTHON_HEAP_BYTES ? left / 2 : PYTHON_HEAP_BYTES) / PAGE_SIZE * PAGE_SIZE;
    first_heap.start = __data_end;
    first_heap.physical = early_frames_find(first_heap.bytes / PAGE_SIZE);
    if (first_heap.physical == 0) {
        boot_refuse("RAM is too scattered for Python's heap");
    }
}

static void map_heap(void) {
    for (uint64_t done = 0; done < first_heap.bytes; done += PAGE_SIZE) {
        uint64_t page = ((uint64_t)first_heap.start + done - KERNEL_BASE) / PAGE_SIZE;
        kernel_p1[page / ENTRIES_PER_TABLE][page % ENTRIES_PER_TABLE] = (first_heap.physical + done) | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_NO_EXECUTE;
    }
}

static void build_kernel(void) {
    table_towards(KERNEL_BASE, 4)[index_of_address(KERNEL_BASE, 4)] = entry_to(kernel_p3);
    kernel_p3[index_of_address(KERNEL_BASE, 3)] = entry_to(kernel_p2);
    for (size_t i = 0; i < KERNEL_IMAGE_TABLES; i++) {
        kernel_p2[index_of_address(KERNEL_BASE, 2) + i] = entry_to(kernel_p1[i]);
    }
    map_image(__text_start, __text_end, 0);
    map_image(__rodata_start, __rodata_end, ENTRY_NO_EXECUTE);
    map_image(__data_start, __data_end, ENTRY_WRITABLE | ENTRY_NO_EXECUTE);
    map_image(__emitted_start, __emitted_end, ENTRY_NO_EXECUTE);
    map_heap();
    for (size_t i = 0; i < stack_guards_count; i++) {
        uint64_t page = ((uint64_t)stack_guards[i] - KERNEL_BASE) / PAGE_SIZE;
        kernel_p1[page / ENTRIES_PER_TABLE][page % ENTRIES_PER_TABLE] = 0;
    }
    kernel_p3[index_of_address(EMITTED_CODE_BASE, 3)] = entry_to(emitted_p2);
    emitted_p2[index_of_address(EMITTED_CODE_BASE, 2)] = entry_to(emitted_p1);
    for (uint64_t i = 0; i < EMITTED_CODE_BYTES / PAGE_SIZE; i++) {
        emitted_p1[i] = (image_physical(__emitted_start) + i * PAGE_SIZE) | ENTRY_PRESENT;
    }
}

void boot_tables_build(void) {
    place_heap();
    build_window();
    build_kernel();
    boot_tables_root = image_physical(root);
}

void boot_tables_activate(void) {
    cr3_write(boot_tables_root);
}
