// `_entries`: acts on the entries of one table, given by the address at which the first of them is seen.
// Contracts: port/typings/_entries.pyi. What is a table, how tables nest and what may be changed, Python knows.
//
// A raw word has the bits of an entry that are not its frame: bits 0-11 of the entry, then its bits 52-63, and as bit 24
// the entry's bit 12, which in a huge page's entry is PAT and not part of the frame.
//
// In C because a run costs 4 to 9 instructions an entry (rows `map a range` to `unmap a range`): Python's own machine
// code needs 26 for one look at an entry, 51 for a store, and has no locked instructions.
#include "port/hardware/keys.h"
#include "port/hardware/paging.h"
#include "port/runtime/natives.h"

#define RAW_PAT WORD_PAT        // in a raw word: bit 12 of the entry

#pragma GCC optimize ("unroll-loops")

typedef uint64_t entry_pair_t __attribute__((vector_size(16), may_alias));

static inline uint64_t get_small(mp_obj_t value, uint64_t limit, const char *what) {
    if (mp_obj_is_small_int(value) && (uint64_t)MP_OBJ_SMALL_INT_VALUE(value) < limit) {
        return MP_OBJ_SMALL_INT_VALUE(value);
    }
    return native_get_below(value, limit, what);
}

// Entries from `at` on to the end of their table at most.
static inline uint64_t get_count(mp_obj_t count, const uint64_t *at) {
    return get_small(count, ENTRIES_PER_TABLE + 1 - ((uintptr_t)at >> 3 & (ENTRIES_PER_TABLE - 1)), "count of entries in one table");
}

static inline uint64_t bits_of(uint64_t word) {
    return entry_of_word(word) | (word & RAW_PAT ? ENTRY_HUGE_PAT : 0);
}

static inline uint64_t get_word(mp_obj_t word) {
    return bits_of(get_small(word, WORD_LIMIT, "raw word"));
}

static inline uint64_t get_value(mp_obj_t frame, mp_obj_t word) {
    return get_small(frame, FRAME_LIMIT, "frame number") << 12 | get_word(word);
}

NATIVE_1(entries_frame, at) {
    return MP_OBJ_NEW_SMALL_INT(frame_of_entry(*(volatile uint64_t *)native_get_entries(at)));
}

static mp_obj_t word_of(uint64_t entry) {
    return MP_OBJ_NEW_SMALL_INT(word_of_entry(entry));
}

NATIVE_1(entries_word, at) { return word_of(*(volatile uint64_t *)native_get_entries(at)); }

NATIVE_3(entries_write, at, frame, word) {
    uint64_t value = get_value(frame, word), *entry = native_get_entries(at);
    keys_begin_store();
    *(volatile uint64_t *)entry = value;
    keys_end_store();
    return mp_const_none;
}

// take(at): empty an entry, and say what its word was at that moment. One locked instruction.
NATIVE_1(entries_take, at) {
    uint64_t *entry = native_get_entries(at);
    keys_begin_store();
    uint64_t was = __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
    keys_end_store();
    return word_of(was);
}

// compare_and_set(at, old_frame, old_word, frame, word): one locked instruction; True if it was so.
NATIVE_MANY(entries_compare_and_set, 5, arguments) {
    uint64_t old = get_value(arguments[1], arguments[2]), value = get_value(arguments[3], arguments[4]);
    uint64_t *entry = native_get_entries(arguments[0]);
    keys_begin_store();
    bool was_so = __sync_bool_compare_and_swap(entry, old, value);
    keys_end_store();
    return mp_obj_new_bool(was_so);
}

// fill(at, count, frame, word, step): leaves to frames that lie `step` apart.
NATIVE_MANY(entries_fill, 5, arguments) {
    uint64_t *at = native_get_entries(arguments[0]), count = get_count(arguments[1], at);
    uint64_t value = get_value(arguments[2], arguments[3]), step = get_small(arguments[4], FRAME_LIMIT, "step") << 12;
    keys_begin_store();
    for (; count >= 8; count -= 8, at += 8, value += 8 * step) {
        at[0] = value;
        at[1] = value + step;
        at[2] = value + 2 * step;
        at[3] = value + 3 * step;
        at[4] = value + 4 * step;
        at[5] = value + 5 * step;
        at[6] = value + 6 * step;
        at[7] = value + 7 * step;
    }
    for (; count > 0; count--, value += step) {
        *at++ = value;
    }
    keys_end_store();
    return mp_const_none;
}

NATIVE_2(entries_clear, at_in, count_in) {
    uint64_t *at = native_get_entries(at_in), count = get_count(count_in, at);
    keys_begin_store();
    if (count < 8) {
        while (count-- > 0) {
            *(volatile uint64_t *)at++ = 0;
        }
    } else {
        __asm__ volatile ("rep stosq" : "+D"(at), "+c"(count) : "a"(0UL) : "memory");
    }
    keys_end_store();
    return mp_const_none;
}

// change(at, count, keep, set): of each entry its frame and the bits in `keep` stay, and those in `set` are added. Two locked
// instructions an entry, so that a mark which the processor sets meanwhile is not lost; what is neither kept nor set goes
// first, so that no right is ever there that neither the old nor the new entry gives.
NATIVE_MANY(entries_change, 4, arguments) {
    uint64_t *at = native_get_entries(arguments[0]), count = get_count(arguments[1], at);
    uint64_t set = get_word(arguments[3]), keep = (ENTRY_FRAME & ~ENTRY_HUGE_PAT) | get_word(arguments[2]) | set;
    keys_begin_store();
    if (set == 0) {
        for (uint64_t i = 0; i < count; i++) {
            __asm__ volatile ("lock andq %1, %0" : "+m"(at[i]) : "r"(keep) : "memory", "cc");
        }
    } else {
        for (uint64_t i = 0; i < count; i++) {
            __asm__ volatile ("lock andq %1, %0; lock orq %2, %0" : "+m"(at[i]) : "r"(keep), "r"(set) : "memory", "cc");
        }
    }
    keys_end_store();
    return mp_const_none;
}

static uint64_t or_of(const uint64_t *at, uint64_t count) {
    uint64_t single = 0;
    if (count > 0 && ((uintptr_t)at & 15) != 0) {
        single = *at++;
        count--;
    }
    const entry_pair_t *pair = (const entry_pair_t *)at;
    entry_pair_t sum = { 0, 0 };
    for (; count >= 16; count -= 16, pair += 8) {
        for (int i = 0; i < 8; i++) {
            sum |= pair[i];
        }
    }
    for (; count >= 2; count -= 2) {
        sum |= *pair++;
    }
    return single | sum[0] | sum[1] | (count > 0 ? *(const uint64_t *)pair : 0);
}

static uint64_t and_of(const uint64_t *at, uint64_t count) {
    uint64_t single = ~0UL;
    if (count > 0 && ((uintptr_t)at & 15) != 0) {
        single = *at++;
        count--;
    }
    const entry_pair_t *pair = (const entry_pair_t *)at;
    entry_pair_t product = { ~0UL, ~0UL };
    for (; count >= 16; count -= 16, pair += 8) {
        for (int i = 0; i < 8; i++) {
            product &= pair[i];
        }
    }
    for (; count >= 2; count -= 2) {
        product &= *pair++;
    }
    return single & product[0] & product[1] & (count > 0 ? *(const uint64_t *)pair : ~0UL);
}

// unused(at, count): how many are zero before the first that is not.
NATIVE_2(entries_unused, at_in, count_in) {
    const uint64_t *at = native_get_entries(at_in);
    uint64_t count = get_count(count_in, at), i = 0;
    if (count > 8 && at[0] == 0 && or_of(at, count) == 0) {
        return MP_OBJ_NEW_SMALL_INT(count);
    }
    while (i < count && at[i] == 0) {
        i++;
    }
    return MP_OBJ_NEW_SMALL_INT(i);
}

// absent(at, count): how many are not present before the first that is.
NATIVE_2(entries_absent, at_in, count_in) {
    const uint64_t *at = native_get_entries(at_in);
    uint64_t count = get_count(count_in, at), i = 0;
    if (count > 8 && !(at[0] & ENTRY_PRESENT) && !(or_of(at, count) & ENTRY_PRESENT)) {
        return MP_OBJ_NEW_SMALL_INT(count);
    }
    while (i < count && !(at[i] & ENTRY_PRESENT)) {
        i++;
    }
    return MP_OBJ_NEW_SMALL_INT(i);
}

static uint64_t and_or_of_marks(const uint64_t *at, uint64_t count, uint64_t wanted, uint64_t reserved) {
    uint64_t any = or_of(at, count);
    return (and_of(at, count) & wanted) == wanted && !(any & reserved) ? count << 1 | (any & ENTRY_GLOBAL) >> 8 : 0;
}

// leaves(at, count, wanted, frame_bits, high): how many have all the bits of the raw word `wanted`, and none of the
// reserved ones (bits of the frame number, and bits from 32 on as one number), before the first that has not; << 1 |
// whether one of these is GLOBAL.
NATIVE_MANY(entries_leaves, 5, arguments) {
    const uint64_t *at = native_get_entries(arguments[0]);
    uint64_t count = get_count(arguments[1], at), wanted = get_word(arguments[2]);
    uint64_t reserved = get_small(arguments[3], FRAME_LIMIT, "reserved bits of a frame number") << 12 | get_small(arguments[4], 1UL << 32, "reserved high bits") << 32;
    uint64_t all = count > 1 ? and_or_of_marks(at, count, wanted, reserved) : 0, i = 0, global = 0;
    if (all != 0) {
        return MP_OBJ_NEW_SMALL_INT(all);
    }
    for (; i < count && (at[i] & wanted) == wanted && !(at[i] & reserved); i++) {
        global |= at[i] & ENTRY_GLOBAL;
    }
    return MP_OBJ_NEW_SMALL_INT(i << 1 | global >> 8);
}

#define CHUNK 64

// So many entries at an even index that go on from `expected` in steps? (The last is asked first: mostly it is all or none.)
static bool chunk_goes_on(const uint64_t *at, uint64_t expected, uint64_t step, uint64_t compared) {
    if (((at[CHUNK - 1] ^ (expected + (CHUNK - 1) * step)) & compared) != 0) {
        return false;
    }
    const entry_pair_t *pair = (const entry_pair_t *)at;
    entry_pair_t wanted = { expected, expected + step }, two_steps = { 2 * step, 2 * step }, difference = { 0, 0 };
    for (int i = 0; i < CHUNK / 2; i++) {
        difference |= pair[i] ^ wanted;
        wanted += two_steps;
    }
    return ((difference[0] | difference[1]) & compared) == 0;
}

// touching(at, count, frame, word, step): how many lead to frames `step` apart, the first to `frame`, with this word, before
// the first that does not. Marks don't count.
NATIVE_MANY(entries_touching, 5, arguments) {
    const uint64_t *at = native_get_entries(arguments[0]), compared = ~ENTRY_ACCESSED_DIRTY;
    uint64_t count = get_count(arguments[1], at), i = 0;
    uint64_t expected = get_value(arguments[2], arguments[3]), step = get_small(arguments[4], FRAME_LIMIT, "step") << 12;
    while (i < count) {
        if (((uintptr_t)(at + i) & 15) == 0 && count - i >= CHUNK && chunk_goes_on(at + i, expected, step, compared)) {
            i += CHUNK;
            expected += CHUNK * step;
        } else if (((at[i] ^ expected) & compared) == 0) {
            i++;
            expected += step;
        } else {
            break;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(i);
}

// copy(to, from, count)
NATIVE_3(entries_copy, to_in, from_in, count_in) {
    uint64_t *to = native_get_entries(to_in);
    const uint64_t *from = native_get_entries(from_in);
    uint64_t count = get_count(count_in, to);
    get_count(count_in, from);
    keys_begin_store();
    for (uint64_t i = 0; i < count; i++) {
        ((volatile uint64_t *)to)[i] = from[i];
    }
    keys_end_store();
    return mp_const_none;
}

// prove_writable(at): store what is there, so that a fault comes now and not in the middle of a change.
NATIVE_1(entries_prove_writable, at) {
    uint64_t *entry = native_get_entries(at);
    keys_begin_store();
    __asm__ volatile ("lock orq $0, (%0)" : : "r"(entry) : "memory", "cc");
    keys_end_store();
    return mp_const_none;
}

NATIVE_MODULE(entries,
    NATIVE(entries, frame), NATIVE(entries, word), NATIVE(entries, write), NATIVE(entries, take),
    NATIVE(entries, compare_and_set), NATIVE(entries, fill), NATIVE(entries, clear), NATIVE(entries, change),
    NATIVE(entries, unused), NATIVE(entries, absent), NATIVE(entries, leaves), NATIVE(entries, touching),
    NATIVE(entries, copy), NATIVE(entries, prove_writable));
