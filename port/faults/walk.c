// Tables nest here because a fault and a panic must not depend on Python: its heap, its stack or its tables may be the
// reason. Intel SDM volume 3, "Access Rights" and "Protection Keys".
#include "port/console/log.h"
#include "port/faults/vectors.h"
#include "port/faults/walk.h"
#include "port/hardware/instructions.h"
#include "port/hardware/keys.h"
#include "port/hardware/paging_walk.h"

void trap_record_walk(trap_record_t *record) {
    const uint64_t reserved = reserved_entry_bits();
    unsigned level = paging_levels();
    record->level_first = level;
    uint64_t table = record->table_root & ENTRY_FRAME;
    for (;; level--) {
        uint64_t entry = ((volatile uint64_t *)window_pointer(table))[index_of_address(record->address, level)];
        record->entries[level] = entry;
        record->level_last = level;
        if (!(entry & ENTRY_PRESENT) || entry_is_leaf(entry, level) || entry_is_malformed(entry, level, reserved)) {
            return;
        }
        table = entry & ENTRY_FRAME;
        if (table >= window_bytes) {
            return;
        }
    }
}

unsigned trap_record_index(const trap_record_t *record, unsigned level) {
    return index_of_address(record->address, level);
}

void trap_record_print_walk(const trap_record_t *record) {
    for (int level = record->level_first; level > 0 && level >= record->level_last; level--) {
        log_print("P%d entry %016lx\n", level, record->entries[level]);
    }
}

// --- is it resolved? ---

static uint32_t pkru_read(void) {
    uint32_t low, high;
    __asm__ volatile (".byte 0x0f, 0x01, 0xee" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

// The rights of all keys for user pages, or for those of the kernel as whoever faulted had them.
static uint32_t rights_of_keys(bool for_users, const trap_record_t *fault) {
    if (for_users) {
        return cr4_read() & CR4_PKE ? pkru_read() : 0;
    }
    return cr4_read() & CR4_PKS ? keys.rights & ~(fault->error_code & CODE_KEY ? 0 : keys.guarded) : 0;
}

static bool key_refuses(uint64_t leaf, bool for_users, const trap_record_t *fault) {
    if (fault->error_code & CODE_FETCH) {
        return false;
    }
    uint32_t rights = rights_of_keys(for_users, fault) >> (leaf >> ENTRY_KEY_SHIFT & 15) * 2 & 3;
    bool write_counts = fault->error_code & CODE_WRITE && (fault->error_code & CODE_USER || cr0_read() & CR0_WP);
    return rights & 1 || (rights & 2 && write_counts);
}

bool fault_is_resolved(const trap_record_t *fault) {
    trap_record_t now = *fault;
    trap_record_walk(&now);
    const uint64_t reserved = reserved_entry_bits();
    uint64_t every = ~0UL, some = 0, code = fault->error_code, leaf = now.entries[now.level_last];
    for (int level = now.level_first; level >= now.level_last; level--) {
        if (!(now.entries[level] & ENTRY_PRESENT) || entry_is_malformed(now.entries[level], level, reserved)) {
            return false;
        }
        every &= now.entries[level];
        some |= now.entries[level];
    }
    bool by_user = code & CODE_USER;
    if (!entry_is_leaf(leaf, now.level_last)) {
        return false;       // a table that the walk could not reach
    }
    if ((by_user && !(every & ENTRY_USER)) || (code & CODE_FETCH && some & ENTRY_NO_EXECUTE)) {
        return false;
    }
    if (code & CODE_WRITE && !(every & ENTRY_WRITABLE) && (by_user || cr0_read() & CR0_WP)) {
        return false;
    }
    if (every & ENTRY_USER && !by_user) {
        bool prevented = code & CODE_FETCH ? cr4_read() & CR4_SMEP : cr4_read() & CR4_SMAP && !(fault->flags & FLAGS_AC);
        return !prevented && !key_refuses(leaf, true, fault);
    }
    return !key_refuses(leaf, every & ENTRY_USER, fault);
}
