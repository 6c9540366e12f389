// The ways to reach a table, and the walk on top of them. Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
#include "port/runtime/natives.h"
#include "port/modules/tables.h"
#include "port/hardware/instructions.h"

#define WINDOW_FLAGS (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_NO_EXECUTE)

uint64_t entry_flags_of(uint32_t word, int level, bool leaf) {
    uint64_t flags = (word & 0xfff) | (uint64_t)(word >> 12 & 0xfff) << 52;
    if (leaf && level > 1) {
        flags |= ENTRY_HUGE | (word & WORD_PAT ? ENTRY_HUGE_PAT : 0);
    } else if (leaf && word & WORD_PAT) {
        flags |= ENTRY_HUGE; // bit 7 of a level-1 entry is PAT
    }
    return flags;
}

uint32_t word_of(uint64_t entry, int level) {
    uint32_t word = (entry & 0xfff) | (entry >> 52) << 12;
    if (level == 1) {
        return word & WORD_HUGE ? (word & ~WORD_HUGE) | WORD_PAT : word;
    }
    return is_leaf(entry, level) && entry & ENTRY_HUGE_PAT ? word | WORD_PAT : word;
}

bool entry_is_malformed(const access_t *access, uint64_t entry, int level) {
    uint64_t reserved = access->reserved;
    if (level == TABLE_LEVELS || (level == 3 && !access->gigabyte_pages)) {
        reserved |= ENTRY_HUGE;
    }
    if (level > 1 && entry & ENTRY_HUGE) {
        reserved |= (pages_of(level) << 12) - 1 - 0x1fff; // bit 12 is PAT
    }
    return (entry & ENTRY_PRESENT) && (entry & reserved) != 0;
}

static uint64_t sign_extended(uint64_t address) {
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

// A table of level n is what the CPU finds when it goes through the recursive slot n times: n indexes fall out at
// the right, the slot comes in n times at the left.
static uint64_t *recursive_table(uint64_t slot, int level, uint64_t address) {
    uint64_t page = (address >> 12 & 0xfffffffff) >> 9 * level;
    for (int i = 0; i < level; i++) {
        page |= slot << 9 * (TABLE_LEVELS - 1 - i);
    }
    return (uint64_t *)sign_extended(page << 12);
}

static uint64_t *temporary_table(access_t *access, int slot, uint64_t frame) {
    uint64_t *window = (uint64_t *)access->reach;
    char *shown = (char *)access->reach + ((uint64_t)(slot + 1) << 12);
    if (access->slots[slot] != frame || (window[slot + 1] & ENTRY_PRESENT) == 0) {
        bool replaced = window[slot + 1] & ENTRY_PRESENT;
        window[slot + 1] = frame | WINDOW_FLAGS;
        access->slots[slot] = frame;
        if (replaced) {
            page_invalidate((uint64_t)shown);
        }
    }
    return (uint64_t *)shown;
}

// Python is asked once for each frame and call; the commit finds every answer here, and so never runs Python.
static uint64_t *function_table(access_t *access, uint64_t frame) {
    for (size_t i = access->reached_count; i > 0; i--) {
        if (access->reached[i - 1].frame == frame) {
            return access->reached[i - 1].table;
        }
    }
    mp_obj_t page = mp_call_function_1(access->frame_to_page, MP_OBJ_NEW_SMALL_INT(frame >> 12));
    uint64_t *table = (uint64_t *)native_get_page(page);
    if (access->will_write) {
        __asm__ volatile ("lock orq $0, (%0)" : : "r"(table) : "memory");
    } else {
        *(volatile uint64_t *)table;
    }
    if (access->reached_count == access->reached_capacity) {
        size_t capacity = access->reached_capacity * 2 + 8;
        access->reached = m_renew(reached_table_t, access->reached, access->reached_capacity, capacity);
        access->reached_capacity = capacity;
    }
    access->reached[access->reached_count++] = (reached_table_t) { frame, table };
    return table;
}

uint64_t *access_table_slow(access_t *access, int level, uint64_t frame, uint64_t address) {
    switch (access->kind) {
        case REACH_RECURSIVE: return recursive_table(access->reach, level, address);
        case REACH_TEMPORARY: return temporary_table(access, level, frame);
        case REACH_FUNCTION: return function_table(access, frame);
    }
    return (uint64_t *)(access->reach + frame);
}

uint64_t *access_root(access_t *access) {
    return access_table(access, TABLE_LEVELS, access->root, 0);
}

// Have what the commit will ask for answered beforehand.
void access_foresee(access_t *access, uint64_t frame) {
    if (access->kind == REACH_FUNCTION) {
        function_table(access, frame);
    }
}

// Through a recursive slot, the slot must lead to the table that is meant.
int access_begin(access_t *access, bool will_write) {
    access->will_write = will_write;
    access->reached_count = 0;
    if (access->kind == REACH_RECURSIVE) {
        const uint64_t *root = recursive_table(access->reach, TABLE_LEVELS, 0);
        bool is_active = access->root == (cr3_read() & ENTRY_FRAME);
        if ((access->reach == RECURSIVE_P4_INDEX && !is_active) || (root[access->reach] & ENTRY_FRAME) != access->root) {
            return REFUSED_NOT_ACTIVE;
        }
    }
    return 0;
}

// Temporary mappings don't outlive the call that made them.
void access_end(access_t *access) {
    if (access->kind != REACH_TEMPORARY) {
        return;
    }
    uint64_t *window = (uint64_t *)access->reach;
    for (int slot = 0; slot <= TABLE_LEVELS; slot++) {
        if (window[slot + 1] & ENTRY_PRESENT) {
            window[slot + 1] = 0;
            page_invalidate(access->reach + ((uint64_t)(slot + 1) << 12));
        }
        access->slots[slot] = 0;
    }
}

// A recursive slot shows a table only when it is linked, but a table must be clean before: so it is shown as a plain
// page for a moment, through the root entry of the other recursive slot, and cleared there.
void access_link_recursive(access_t *access, uint64_t *entry, uint64_t value, int level, uint64_t address) {
    uint64_t other = access->reach == RECURSIVE_P4_INDEX ? OTHER_RECURSIVE_P4_INDEX : RECURSIVE_P4_INDEX;
    uint64_t *root = recursive_table(access->reach, TABLE_LEVELS, 0);
    uint64_t *shown = (uint64_t *)(((uint64_t)root & ~(511UL << 12)) | other << 12);
    uint64_t kept = root[other];
    root[other] = (value & ENTRY_FRAME) | WINDOW_FLAGS;
    page_invalidate((uint64_t)shown);
    table_fill_zero(shown, 512);
    root[other] = kept;
    page_invalidate((uint64_t)shown);
    *entry = value;
    page_invalidate((uint64_t)recursive_table(access->reach, level, address));
}

int access_check_protected(access_t *access, uint64_t address, uint64_t count) {
    uint64_t last = address + (count << 12) - 1;
    if (last < access->protected_lowest) {
        return 0;
    }
    for (size_t i = 0; i < access->protected_count; i++) {
        if (address <= access->protected[i].last && access->protected[i].first <= last) {
            uint64_t first = access->protected[i].first;
            access->page = (address > first ? address : first) >> 12;
            access->protected_index = i;
            return REFUSED_PROTECTED;
        }
    }
    return 0;
}

// Follow the entries for an address down to its leaf, to a hole, to what must not be followed, or to level `lowest`.
// Leaves level, entry, table (frame of the table that holds it) and the rights of the way; returns the entry's place.
uint64_t *access_walk(access_t *access, uint64_t address, int lowest) {
    uint64_t frame = access->root, rights = ENTRY_WRITABLE | ENTRY_USER, no_execute = 0;
    const uint64_t unusual = ENTRY_PRESENT | ENTRY_HUGE | access->reserved;
    int level = TABLE_LEVELS;
    uint64_t *place, entry;
    for (int shift = 12 + 9 * (TABLE_LEVELS - 1);; shift -= 9, level--) {
        place = access_table(access, level, frame, address) + (address >> shift & 511);
        entry = *place;
        if (level == lowest || (entry & unusual) != ENTRY_PRESENT) {
            break; // a leaf, a hole, something malformed, or where the caller wanted to go
        }
        rights &= entry;
        no_execute |= entry;
        frame = entry & ENTRY_FRAME;
    }
    access->level = level;
    access->entry = entry;
    access->table = frame;
    access->page = address >> 12;
    access->effective = (rights & (ENTRY_WRITABLE | ENTRY_USER)) | (no_execute & ENTRY_NO_EXECUTE ? WORD_NO_EXECUTE : 0);
    return place;
}
