// Tables nest here because the probe tries the processor's walk: with tables that no kernel would have, with EFER.NXE off,
// and with nothing in between that could depend on them.
#include <stdbool.h>
#include <string.h>
#include "port/boot/image.h"
#include "port/faults/probe.h"
#include "port/faults/probe_tables.h"
#include "port/hardware/instructions.h"
#include "port/hardware/paging_walk.h"

#define USER_P4_INDEX           2       // where the own root has ring 3's code
#define LOWER_HALF_LAST_INDEX   255
#define TO_TABLE                (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_ACCESSED)

typedef uint64_t table_t[ENTRIES_PER_TABLE] __attribute__((aligned(4096)));

static table_t user_p3, user_p2, user_p1;
static table_t root, test_p3, test_p2, test_p1, image_p3, image_p2, image_p1[KERNEL_IMAGE_TABLES];
uint64_t probe_target[ENTRIES_PER_TABLE] __attribute__((aligned(4096)));

// --- ring 3's code: the page of probe_read, mapped for users ---

// The entry for a root.
static uint64_t build_user_code(void) {
    user_p3[0] = image_physical(user_p2) | TO_TABLE | ENTRY_USER;
    user_p2[0] = image_physical(user_p1) | TO_TABLE | ENTRY_USER;
    user_p1[0] = (image_physical(probe_read) & ENTRY_FRAME) | ENTRY_PRESENT | ENTRY_USER | ENTRY_ACCESSED;
    return image_physical(user_p3) | TO_TABLE | ENTRY_USER;
}

uint64_t probe_user_code(void) {
    return address_of_root_index(USER_P4_INDEX);
}

uint64_t probe_user_code_borrow(void) {
    volatile uint64_t *active = table_of_entry(cr3_read());
    for (uint64_t index = LOWER_HALF_LAST_INDEX; index > 0; index--) {
        if (active[index] == 0) {
            active[index] = build_user_code();
            return address_of_root_index(index);
        }
    }
    return 0;
}

void probe_user_code_return(uint64_t user_code) {
    if (user_code != 0) {
        volatile uint64_t *active = table_of_entry(cr3_read());
        active[index_of_address(user_code, paging_levels())] = 0;
        page_invalidate(user_code);
    }
}

// --- a root of the probe's own ---

static const uint64_t *table_behind(const uint64_t *table, uint64_t index) {
    return table[index] & ENTRY_PRESENT ? table_of_entry(table[index]) : NULL;
}

// The 512 entries of 4 KiB pages that a level-2 entry stands for, without NX: with EFER.NXE off it is a reserved bit.
static void copy_pages(uint64_t *to, uint64_t entry) {
    const uint64_t *from = table_of_entry(entry);
    for (size_t i = 0; i < ENTRIES_PER_TABLE; i++) {
        uint64_t page = entry & ENTRY_HUGE ? (entry & ~ENTRY_HUGE) + i * PAGE_SIZE : from[i];
        to[i] = page & ~ENTRY_NO_EXECUTE;
    }
}

static void copy_image(void) {
    root[KERNEL_P4_INDEX] = image_physical(image_p3) | TO_TABLE;
    image_p3[index_of_address(KERNEL_BASE, 3)] = image_physical(image_p2) | TO_TABLE;
    const uint64_t *active = table_of_entry(cr3_read());
    const uint64_t *p2 = table_behind(table_behind(active, KERNEL_P4_INDEX), index_of_address(KERNEL_BASE, 3));
    for (size_t i = 0; i < KERNEL_IMAGE_TABLES; i++) {
        image_p2[i] = p2[i] & ENTRY_PRESENT ? image_physical(image_p1[i]) | TO_TABLE : 0;
        if (p2[i] & ENTRY_PRESENT) {
            copy_pages(image_p1[i], p2[i]);
        }
    }
}

uint64_t probe_root_build(void) {
    memset(root, 0, sizeof root);
    copy_image();
    root[USER_P4_INDEX] = build_user_code();
    memset(test_p3, 0, sizeof test_p3);
    memset(test_p2, 0, sizeof test_p2);
    memset(test_p1, 0, sizeof test_p1);
    memset(probe_target, 0, sizeof probe_target);
    return image_physical(root);
}

bool probe_root_has_room(uint64_t root_index) {
    return root_index < ENTRIES_PER_TABLE && root_index != USER_P4_INDEX && root_index != KERNEL_P4_INDEX;
}

uint64_t probe_address(uint64_t p4_index, uint64_t p3_index, uint64_t offset) {
    return address_of_root_index(p4_index) + p3_index * bytes_of_level(3) + image_physical(probe_target) + offset;
}

void probe_way(uint64_t address, probe_step_t way[PROBE_LEVELS]) {
    uint64_t *const tables[PROBE_LEVELS] = { test_p1, test_p2, test_p3, root };
    for (unsigned level = 1; level <= PROBE_LEVELS; level++) {
        way[level - 1] = (probe_step_t) {
            .entry = &tables[level - 1][index_of_address(address, level)],
            .as_leaf = image_physical(probe_target) & ~(bytes_of_level(level) - 1),
            .as_table = level > 1 ? image_physical(tables[level - 2]) : 0,
        };
    }
}
