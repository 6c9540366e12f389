// Tables nest here because the probe tries the processor's walk: with tables that no kernel would have, with EFER.NXE off,
// and with nothing in between that could depend on them.
#include <stdbool.h>
#include <string.h>
#include "port/boot/image.h"
#include "port/faults/probe.h"
#include "port/faults/probe_tables.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/paging_walk.h"

#define USER_ROOT_INDEX           2       // where the own root has ring 3's code
#define LOWER_HALF_LAST_INDEX   255
#define TO_TABLE                (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_ACCESSED)

typedef uint64_t table_t[ENTRIES_PER_TABLE] __attribute__((aligned(4096)));

// Below the root, a table for each level, from 1 on; the image has several at level 1.
static table_t user_tables[PAGING_LEVELS_MAX - 1], test_tables[PAGING_LEVELS_MAX - 1], image_tables[PAGING_LEVELS_MAX - 1];
static table_t root, image_p1[KERNEL_IMAGE_TABLES];
uint64_t probe_target[ENTRIES_PER_TABLE] __attribute__((aligned(4096)));

// --- ring 3's code: the page of probe_read, mapped for users ---

// The entry for a root.
static uint64_t build_user_code(void) {
    uint64_t entry = (image_physical(probe_read) & ENTRY_FRAME) | ENTRY_PRESENT | ENTRY_USER | ENTRY_ACCESSED;
    for (unsigned level = 1; level < paging_levels(); level++) {
        user_tables[level - 1][0] = entry;
        entry = image_physical(user_tables[level - 1]) | TO_TABLE | ENTRY_USER;
    }
    return entry;
}

uint64_t probe_user_code(void) {
    return address_of_root_index(USER_ROOT_INDEX);
}

uint64_t probe_user_code_borrow(void) {
    volatile uint64_t *active = table_of_entry(cr3_read());
    for (uint64_t index = LOWER_HALF_LAST_INDEX; index > 0; index--) {
        if (active[index] == 0) {
            uint64_t entry = build_user_code();
            keys_begin_store();
            active[index] = entry;
            keys_end_store();
            return address_of_root_index(index);
        }
    }
    return 0;
}

void probe_user_code_return(uint64_t user_code) {
    if (user_code != 0) {
        volatile uint64_t *active = table_of_entry(cr3_read());
        keys_begin_store();
        active[index_of_address(user_code, paging_levels())] = 0;
        keys_end_store();
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
    const uint64_t *p2 = table_of_entry(cr3_read());
    uint64_t *own = root;
    for (unsigned level = paging_levels(); level > 2; level--) {
        uint64_t index = index_of_address(KERNEL_BASE, level);
        own[index] = image_physical(image_tables[level - 2]) | TO_TABLE;
        own = image_tables[level - 2];
        p2 = table_behind(p2, index);
    }
    uint64_t *image_p2 = own;
    for (size_t i = 0; i < KERNEL_IMAGE_TABLES; i++) {
        image_p2[i] = p2[i] & ENTRY_PRESENT ? image_physical(image_p1[i]) | TO_TABLE : 0;
        if (p2[i] & ENTRY_PRESENT) {
            copy_pages(image_p1[i], p2[i]);
        }
    }
}

static uint64_t *test_table(unsigned level) {
    return level == paging_levels() ? root : test_tables[level - 1];
}

uint64_t probe_root_build(uint64_t address, unsigned top) {
    memset(root, 0, sizeof root);
    copy_image();
    root[USER_ROOT_INDEX] = build_user_code();
    memset(test_tables, 0, (paging_levels() - 1) * sizeof test_tables[0]);
    for (unsigned level = PROBE_LEVELS; level <= paging_levels(); level++) {
        if (level != top) {
            test_table(level)[index_of_address(address, level)] = image_physical(test_table(level - 1)) | TO_TABLE | ENTRY_USER;
        }
    }
    memset(probe_target, 0, sizeof probe_target);
    return image_physical(root);
}

bool probe_root_has_room(uint64_t root_index) {
    return root_index < ENTRIES_PER_TABLE && root_index != USER_ROOT_INDEX && root_index != KERNEL_ROOT_INDEX;
}

uint64_t probe_address(uint64_t root_index, uint64_t index, uint64_t offset) {
    uint64_t address = address_of_root_index(root_index) + image_physical(probe_target) + offset;
    for (unsigned level = 3; level < paging_levels(); level++) {
        address += index * bytes_of_level(level);
    }
    return address;
}

void probe_way(uint64_t address, unsigned top, probe_step_t way[PROBE_LEVELS]) {
    for (unsigned place = 1; place <= PROBE_LEVELS; place++) {
        unsigned level = place == PROBE_LEVELS ? top : place;
        way[place - 1] = (probe_step_t) {
            .entry = &test_table(level)[index_of_address(address, level)],
            .as_leaf = image_physical(probe_target) & ~(bytes_of_level(level) - 1),
            .as_table = level > 1 ? image_physical(test_table(level - 1)) : 0,
        };
    }
}
