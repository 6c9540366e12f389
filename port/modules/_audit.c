// `_audit`: the whole-system check of who has what, a byte for every frame. Contracts: port/typings/_audit.pyi.
//
//   begin(map, frames)          the map (in frames of its own) says RESERVED for every frame
//   open(first, count)          these are the pool's: nobody has claimed them yet
//   claim(...), claim_list(...) somebody does; a frame that was claimed before is a finding
//   walk(root, first, end)      claim every table below these root entries; count the leaves, look for W+X
//   check(index)                claim the frames of a record's leaves, and compare the leaves with the record
#include <string.h>
#include "port/runtime/natives.h"
#include "port/modules/table_walk.h"
#include "port/ledger/records.h"

enum { UNCLAIMED, FREE, TABLE, MAPPED, SHARED, RESERVED, CLAIMS };
#define CLAIM 0x0f
#define EXECUTABLE 0x80         // an executable leaf leads to this frame

enum {
    FINDING_CLAIMED = 1,        // the frame belongs to somebody else, too
    FINDING_WRITABLE_EXECUTABLE, FINDING_ALIAS, FINDING_NOT_MAPPED, FINDING_FLAGS, FINDING_RESERVED_BITS, FINDING_FOREIGN_TABLE,
};

#define FINDINGS_MAX 64
static struct { uint64_t page, frame; uint8_t code; } findings[FINDINGS_MAX];
static size_t findings_count, findings_total;
static uint8_t *claims;
static uint64_t frames_count, leaf_pages, claimed[CLAIMS];
static uint64_t reserved_bits;

static void find(unsigned code, uint64_t page, uint64_t frame) {
    findings_total++;
    if (findings_count < FINDINGS_MAX) {
        findings[findings_count].code = code;
        findings[findings_count].page = page;
        findings[findings_count++].frame = frame;
    }
}

static void fill_bytes(uint8_t *at, uint8_t value, uint64_t count) {
    for (; ((uint64_t)at & 7) != 0 && count > 0; count--) {
        *at++ = value;
    }
    uint64_t words = count / 8, pattern = value * 0x0101010101010101UL;
    __asm__ volatile ("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
    for (count %= 8; count > 0; count--) {
        *at++ = value;
    }
}

static mp_obj_t audit_begin(mp_obj_t map_frame, mp_obj_t frames) {
    claims = window_pointer(native_get_frame(map_frame));
    frames_count = native_get_below(frames, 1UL << 40, "count");
    fill_bytes(claims, RESERVED, frames_count);
    memset(claimed, 0, sizeof claimed);
    findings_count = findings_total = leaf_pages = 0;
    reserved_bits = ENTRY_ADDRESS & ~((1UL << cpu_features.physical_bits) - 1);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(audit_begin_obj, audit_begin);

static void require_begun(void) {
    if (claims == NULL) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("begin() comes first"));
    }
}

static mp_obj_t audit_open(mp_obj_t first_in, mp_obj_t count_in) {
    require_begun();
    uint64_t first = native_get_frame(first_in) >> 12, count = native_get_below(count_in, 1UL << 40, "count");
    if (first < frames_count) {
        fill_bytes(claims + first, UNCLAIMED, count < frames_count - first ? count : frames_count - first);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(audit_open_obj, audit_open);

// Claim frames; `page` is what a finding names.
static void claim_run(uint64_t frame, uint64_t count, unsigned claim, uint64_t page) {
    claimed[claim] += count;
    if (frame < frames_count && count <= frames_count - frame) {
        const uint64_t all = CLAIM * 0x0101010101010101UL;
        for (; ((uint64_t)&claims[frame] & 7) == 0 && count >= 8; frame += 8, count -= 8) {
            uint64_t *word = (uint64_t *)&claims[frame];
            if (*word & all) {
                break;
            }
            *word |= claim * 0x0101010101010101UL;
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        if (frame + i >= frames_count) {
            find(FINDING_CLAIMED, page, frame + i);
            return;
        }
        uint8_t *byte = &claims[frame + i];
        if ((*byte & CLAIM) != UNCLAIMED) {
            find(FINDING_CLAIMED, page, frame + i);
        }
        *byte = (*byte & ~CLAIM) | claim;
    }
}

static mp_obj_t audit_claim(mp_obj_t frame, mp_obj_t count, mp_obj_t claim) {
    require_begun();
    claim_run(native_get_frame(frame) >> 12, native_get_below(count, 1UL << 40, "count"), native_get_below(claim, CLAIMS, "claim"), 0);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(audit_claim_obj, audit_claim);

// Claim the runs of a linked list as free: `list` is the address of its head, where word `next` is the offset from it of
// the first node (0 ends it); of each node words `start` and `length` are the low halves of 64-bit numbers.
static mp_obj_t audit_claim_list(size_t n, const mp_obj_t *arguments) {
    require_begun();
    uint64_t head = native_get_u64(arguments[0]);
    size_t next = native_get_below(arguments[1], 64, "word"), start = native_get_below(arguments[2], 64, "word");
    size_t length = native_get_below(arguments[3], 64, "word");
    for (uint32_t at = ((uint32_t *)head)[next]; at != 0;) {
        const uint32_t *node = (const uint32_t *)(head + at);
        uint64_t first, count;
        memcpy(&first, node + start, 8);
        memcpy(&count, node + length, 8);
        claim_run(first, count, FREE, 0);
        at = node[next];
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(audit_claim_list_obj, 4, 4, audit_claim_list);

// --- tables ---

static uint64_t canonical(uint64_t page) {
    return page >> 35 ? page | 0xffff000000000UL : page;
}

static void note_executable(uint64_t entry, unsigned level) {
    uint64_t frame = frame_of_leaf(entry, level), end = frame + pages_at(level);
    for (; frame < end && frame < frames_count; frame++) {
        claims[frame] |= EXECUTABLE;
    }
}

static void look_at_leaf(uint64_t entry, unsigned level, uint64_t page, uint64_t rights) {
    if (entry & reserved_bits) {
        find(FINDING_RESERVED_BITS, canonical(page), (entry & ENTRY_ADDRESS) >> 12);
    }
    if (!((entry | ~rights) & ENTRY_NO_EXECUTE)) {
        note_executable(entry, level);
        if (entry & rights & ENTRY_WRITABLE) {
            find(FINDING_WRITABLE_EXECUTABLE, canonical(page), frame_of_leaf(entry, level));
        }
    }
}

// Count the leaves of a whole level-1 table; those that need a closer look get one.
static void walk_leaves(const uint64_t *table, uint64_t page, uint64_t rights) {
    const uint64_t wrong = reserved_bits | (rights & ENTRY_NO_EXECUTE);
    uint64_t count = 0, suspicious = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i < ENTRIES_PER_TABLE; i++) {
        uint64_t entry = table[i], present = -(entry & ENTRY_PRESENT);
        count -= present;
        suspicious |= (entry ^ ENTRY_NO_EXECUTE) & present;
    }
    leaf_pages += count;
    for (size_t i = 0; (suspicious & wrong) && i < ENTRIES_PER_TABLE; i++) {
        if ((table[i] & ENTRY_PRESENT) && ((table[i] ^ ENTRY_NO_EXECUTE) & wrong)) {
            look_at_leaf(table[i], 1, page + i, rights);
        }
    }
}

// `rights` are those of the way: WRITABLE if every entry has it, NO_EXECUTE (inverted: set if none has it).
static void walk_table(const uint64_t *table, unsigned level, uint64_t page, uint64_t rights, size_t first, size_t end) {
    if (level == 1) {
        walk_leaves(table, page, rights);
        return;
    }
    for (size_t i = first; i < end; i++) {
        uint64_t entry = table[i];
        if (!(entry & ENTRY_PRESENT)) {
            continue;
        }
        uint64_t at = page + i * pages_at(level);
        if (level < ROOT_LEVEL && (entry & ENTRY_HUGE)) {
            leaf_pages += pages_at(level);
            look_at_leaf(entry, level, at, rights);
            continue;
        }
        if ((entry & reserved_bits) || (entry & ENTRY_ADDRESS) >> 12 >= frames_count) {
            find(FINDING_RESERVED_BITS, canonical(at), (entry & ENTRY_ADDRESS) >> 12);
            continue;
        }
        claim_run((entry & ENTRY_ADDRESS) >> 12, 1, TABLE, canonical(at));
        uint64_t below = rights & (entry | ENTRY_NO_EXECUTE);
        below = entry & ENTRY_NO_EXECUTE ? below & ~ENTRY_NO_EXECUTE : below;
        walk_table(table_of(entry), level - 1, at, below, 0, ENTRIES_PER_TABLE);
    }
}

// Claim the tables below the root entries from `first` to before `end`; returns how many pages their leaves map.
static mp_obj_t audit_walk(mp_obj_t root, mp_obj_t first_in, mp_obj_t end_in) {
    require_begun();
    size_t first = native_get_below(first_in, 513, "index"), end = native_get_below(end_in, 513, "index");
    leaf_pages = 0;
    walk_table(table_of(native_get_frame(root)), ROOT_LEVEL, 0, ENTRY_WRITABLE | ENTRY_NO_EXECUTE, first, end);
    return MP_OBJ_NEW_SMALL_INT(leaf_pages);
}
static MP_DEFINE_CONST_FUN_OBJ_3(audit_walk_obj, audit_walk);

// Does a root have the kernel's half, and itself in its recursive slot? Every entry that differs is a finding.
static mp_obj_t audit_compare_upper_half(mp_obj_t root_in, mp_obj_t kernel_root) {
    uint64_t root = native_get_frame(root_in);
    const uint64_t *table = table_of(root), *kernel = table_of(native_get_frame(kernel_root));
    const uint64_t compared = ~ENTRY_ACCESSED_DIRTY;
    for (size_t i = FIRST_SHARED_INDEX; i < ENTRIES_PER_TABLE; i++) {
        uint64_t wanted = kernel[i];
        if (i == RECURSIVE_P4_INDEX) {
            wanted = root | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_NO_EXECUTE;
        } else if (i == OTHER_RECURSIVE_P4_INDEX || i == TECHNIQUE_P4_INDEX) {
            continue;
        }
        if ((table[i] ^ wanted) & compared) {
            find(FINDING_FOREIGN_TABLE, canonical((uint64_t)i << 27), (table[i] & ENTRY_ADDRESS) >> 12);
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(audit_compare_upper_half_obj, audit_compare_upper_half);

// --- records ---

typedef struct {
    uint64_t page, end, wanted_flags;
    unsigned claim;             // UNCLAIMED: claim nothing
    bool check_alias;
} check_t;

static bool is_system_window(uint64_t page) {
    uint64_t index = page >> 27 & 511;
    return index >= WINDOW_P4_INDEX && index < WINDOW_P4_INDEX + WINDOW_P4_ENTRIES;
}

static void check_frames(const check_t *check, uint64_t entry, unsigned level, uint64_t page) {
    uint64_t frame = frame_of_leaf(entry, level), count = pages_at(level);
    if (check->claim == SHARED) {
        for (uint64_t i = 0; i < count && frame + i < frames_count; i++) {
            if ((claims[frame + i] & CLAIM) == UNCLAIMED) {
                claims[frame + i] = (claims[frame + i] & ~CLAIM) | SHARED;
                claimed[SHARED]++;
            } else if ((claims[frame + i] & CLAIM) != SHARED && (claims[frame + i] & CLAIM) != RESERVED) {
                find(FINDING_CLAIMED, page, frame + i);
            }
        }
    } else if (check->claim != UNCLAIMED) {
        claim_run(frame, count, check->claim, page);
    }
    for (uint64_t i = 0; check->check_alias && i < count && frame + i < frames_count; i++) {
        if (claims[frame + i] & EXECUTABLE) {
            find(FINDING_ALIAS, page, frame + i);
            return;
        }
    }
}

static void check_leaf(check_t *check, uint64_t entry, unsigned level) {
    uint64_t page = canonical(check->page), pages = pages_at(level);
    if (!(entry & ENTRY_PRESENT)) {
        find(FINDING_NOT_MAPPED, page, 0);
    } else if ((check->page & (pages - 1)) != 0 || check->end - check->page < pages
               || (word_of_leaf(entry, level) & ~(uint64_t)ENTRY_ACCESSED_DIRTY) != check->wanted_flags) {
        find(FINDING_FLAGS, page, frame_of_leaf(entry, level));
    } else {
        check_frames(check, entry, level, page);
    }
}

static inline uint64_t rotated(uint64_t entry) {
    return entry >> 12 | entry << 52;
}

// The common case of check_leaf for a whole level-1 table: 4 KiB leaves of an exclusive mapping without aliases.
static void check_leaves(check_t *check, const uint64_t *at, uint64_t count) {
    const uint64_t bits = leaf_bits(check->wanted_flags, 1);
    const unsigned stop = check->check_alias ? EXECUTABLE | CLAIM : CLAIM;
    uint8_t *const map = claims;
    const uint64_t frames = check->claim == MAPPED ? frames_count : 0, page = check->page;
    uint64_t fine = 0;
#pragma GCC unroll 4
    for (uint64_t i = 0; i < count; i++) {
        // Rotated so, a flag that differs makes the frame number too large: one comparison for both.
        uint64_t frame = rotated((at[i] ^ bits) & ~ENTRY_ACCESSED_DIRTY);
        if (frame < frames && !(map[frame] & stop)) {
            map[frame] |= MAPPED;
            fine++;
        } else {
            check->page = page + i;
            check_leaf(check, at[i], 1);
        }
    }
    check->page = page + count;
    claimed[MAPPED] += fine;
}

static void check_table(check_t *check, const uint64_t *table, unsigned level) {
    do {
        if (level == 1) {
            uint64_t room = ENTRIES_PER_TABLE - index_at(check->page, 1), left = check->end - check->page;
            check_leaves(check, table + index_at(check->page, 1), left < room ? left : room);
            return;
        }
        uint64_t entry = table[index_at(check->page, level)];
        if (!(entry & ENTRY_PRESENT) || (level < ROOT_LEVEL && (entry & ENTRY_HUGE))) {
            check_leaf(check, entry, level);
            check->page = (check->page | (pages_at(level) - 1)) + 1;
        } else {
            check_table(check, table_of(entry), level - 1);
        }
    } while (check->page < check->end && index_at(check->page, level) != 0);
}

static mp_obj_t audit_check(mp_obj_t index) {
    require_begun();
    const record_t *record = &records[native_get_below(index, RECORDS_MAX, "record index")];
    static const uint8_t claim_of[] = { [KIND_EXCLUSIVE] = MAPPED, [KIND_SHARED] = SHARED };
    bool owns = record->kind == KIND_EXCLUSIVE || record->kind == KIND_DEVICE;
    check_t check = {
        .page = record->first_page & 0xfffffffffUL,
        .wanted_flags = (record->flags & ~(uint64_t)ENTRY_ACCESSED_DIRTY) | (owns ? ENTRY_EXCLUSIVE >> 40 : 0),
        .claim = record->kind <= KIND_SHARED ? claim_of[record->kind] : UNCLAIMED,
        .check_alias = (record->flags & ENTRY_WRITABLE) && !is_system_window(record->first_page),
    };
    check.end = check.page + record->count;
    if (record->count > 0 && record->kind != KIND_TABLE) {
        check_table(&check, table_of(record->root << 12), ROOT_LEVEL);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(audit_check_obj, audit_check);

// --- leaves that no record covers ---

static bool covered(uint64_t root, uint64_t page) {
    static size_t last;         // most leaves belong to the same record as the leaf before
    for (size_t i = 0; i <= records_used; i++) {
        size_t index = i == 0 ? last : i - 1;
        const record_t *record = &records[index];
        if (index < records_used && record->state >= RECORD_LIVE && record->kind != KIND_TABLE && page - record->first_page < record->count
            && (page >> 51 || record->root == root)) {
            last = index;
            return true;
        }
    }
    return false;
}

// The first leaf at or above *page, before `end`, that nobody owns: 0 if there is none, else its length in pages.
static uint64_t next_unowned(const uint64_t *table, unsigned level, uint64_t root, uint64_t *page, uint64_t end) {
    do {
        uint64_t entry = table[index_at(*page, level)], length = pages_at(level);
        if (entry & ENTRY_PRESENT) {
            if (level > 1 && !(level < ROOT_LEVEL && (entry & ENTRY_HUGE))) {
                uint64_t found = next_unowned(table_of(entry), level - 1, root, page, end);
                if (found != 0) {
                    return found;
                }
                continue;
            }
            if (!covered(root, canonical(*page))) {
                return length - (*page & (length - 1));
            }
        }
        *page = (*page | (length - 1)) + 1;
    } while (*page < end && index_at(*page, level) != 0);
    return 0;
}

static uint64_t unowned_length;

static mp_obj_t audit_next_unowned(mp_obj_t root, mp_obj_t page_in, mp_obj_t end_in) {
    uint64_t page = native_get_page(page_in) >> 12 & 0xfffffffffUL;
    uint64_t end = (native_get_page(end_in) >> 12 & 0xfffffffffUL) + 1;
    uint64_t physical = native_get_frame(root);
    if (page >= end) {
        return MP_OBJ_NEW_SMALL_INT(-1);
    }
    unowned_length = next_unowned(table_of(physical), ROOT_LEVEL, physical >> 12, &page, end);
    return unowned_length == 0 ? MP_OBJ_NEW_SMALL_INT(-1) : MP_OBJ_NEW_SMALL_INT(canonical(page));
}
static MP_DEFINE_CONST_FUN_OBJ_3(audit_next_unowned_obj, audit_next_unowned);

static mp_obj_t audit_unowned_length(void) { return MP_OBJ_NEW_SMALL_INT(unowned_length); }
static MP_DEFINE_CONST_FUN_OBJ_0(audit_unowned_length_obj, audit_unowned_length);

// --- answers ---

static mp_obj_t audit_claimed(mp_obj_t claim) {
    return MP_OBJ_NEW_SMALL_INT(claimed[native_get_below(claim, CLAIMS, "claim")]);
}
static MP_DEFINE_CONST_FUN_OBJ_1(audit_claimed_obj, audit_claimed);

static mp_obj_t audit_findings(void) { return MP_OBJ_NEW_SMALL_INT(findings_total); }
static MP_DEFINE_CONST_FUN_OBJ_0(audit_findings_obj, audit_findings);

// (code, page, frame) of a finding; of more than 64 only the first are kept: None.
static mp_obj_t audit_finding(mp_obj_t index_in) {
    size_t index = native_get_below(index_in, 1UL << 40, "index");
    if (index >= findings_count) {
        return mp_const_none;
    }
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(findings[index].code), MP_OBJ_NEW_SMALL_INT(findings[index].page), MP_OBJ_NEW_SMALL_INT(findings[index].frame)
    };
    return mp_obj_new_tuple(3, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(audit_finding_obj, audit_finding);

// The map belongs to somebody else from here on.
static mp_obj_t audit_end(void) {
    claims = NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(audit_end_obj, audit_end);

void audit_reset(void) {
    claims = NULL;
}

static const mp_rom_map_elem_t audit_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__audit) },
    { MP_ROM_QSTR(MP_QSTR_begin), MP_ROM_PTR(&audit_begin_obj) },
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&audit_open_obj) },
    { MP_ROM_QSTR(MP_QSTR_claim), MP_ROM_PTR(&audit_claim_obj) },
    { MP_ROM_QSTR(MP_QSTR_claim_list), MP_ROM_PTR(&audit_claim_list_obj) },
    { MP_ROM_QSTR(MP_QSTR_walk), MP_ROM_PTR(&audit_walk_obj) },
    { MP_ROM_QSTR(MP_QSTR_compare_upper_half), MP_ROM_PTR(&audit_compare_upper_half_obj) },
    { MP_ROM_QSTR(MP_QSTR_check), MP_ROM_PTR(&audit_check_obj) },
    { MP_ROM_QSTR(MP_QSTR_next_unowned), MP_ROM_PTR(&audit_next_unowned_obj) },
    { MP_ROM_QSTR(MP_QSTR_unowned_length), MP_ROM_PTR(&audit_unowned_length_obj) },
    { MP_ROM_QSTR(MP_QSTR_claimed), MP_ROM_PTR(&audit_claimed_obj) },
    { MP_ROM_QSTR(MP_QSTR_findings), MP_ROM_PTR(&audit_findings_obj) },
    { MP_ROM_QSTR(MP_QSTR_finding), MP_ROM_PTR(&audit_finding_obj) },
    { MP_ROM_QSTR(MP_QSTR_end), MP_ROM_PTR(&audit_end_obj) },
};
static MP_DEFINE_CONST_DICT(audit_globals, audit_globals_table);
const mp_obj_module_t audit_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&audit_globals };
MP_REGISTER_MODULE(MP_QSTR__audit, audit_module);
