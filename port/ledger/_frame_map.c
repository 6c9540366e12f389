// `_frame_map`: a byte for every frame, and the entries of one table held against it. Contracts:
// port/typings/_frame_map.pyi.
//
// What a byte means is Python's business (kernel/memory/audit/claims.py). It says so with `steps`, 256 bytes: what a byte
// becomes when somebody has a claim on its frame, or REFUSED, at which each of these loops stops and lets Python look.
// Nothing here knows that tables nest.
//
// In C because `verify a million scattered pages` is 60 instructions a page: one look at an entry and one store in
// Python's own machine code are 77.
#include <string.h>
#include "port/runtime/natives.h"
#include "port/hardware/paging.h"

#define REFUSED 255
#define WORD_OF(byte) ((byte) * 0x0101010101010101UL)

typedef struct { uint8_t *bytes; size_t length; } map_t;

static map_t get_map(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_RW);
    return (map_t) { buffer.buf, buffer.len };
}

static const uint8_t *get_steps(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_READ);
    if (buffer.len != 256) {
        mp_raise_ValueError(MP_ERROR_TEXT("steps are 256 bytes, one for each value of a byte"));
    }
    return buffer.buf;
}

static uint64_t get_count_in_table(mp_obj_t count) {
    return native_get_below(count, ENTRIES_PER_TABLE + 1, "count");
}

// The bytes of frames from `first` on, as many of `count` as the map has.
static map_t get_run(mp_obj_t map_in, mp_obj_t first_in, mp_obj_t count_in) {
    map_t map = get_map(map_in);
    uint64_t first = native_get_below(first_in, 1UL << 52, "frame number");
    uint64_t count = native_get_below(count_in, 1UL << 53, "count");
    uint64_t room = first < map.length ? map.length - first : 0;
    return (map_t) { map.bytes + first, count < room ? count : room };
}

NATIVE_MANY(frame_map_fill, 4, arguments) {
    map_t run = get_run(arguments[0], arguments[1], arguments[2]);
    uint8_t byte = native_get_below(arguments[3], 256, "byte");
    for (; ((uintptr_t)run.bytes & 7) != 0 && run.length > 0; run.length--) {
        *run.bytes++ = byte;
    }
    size_t words = run.length / 8;
    __asm__ volatile ("rep stosq" : "+D"(run.bytes), "+c"(words) : "a"(WORD_OF(byte)) : "memory");
    for (run.length %= 8; run.length > 0; run.length--) {
        *run.bytes++ = byte;
    }
    return mp_const_none;
}

// How many words of eight bytes like `byte` come first.
static size_t words_alike(const uint8_t *bytes, size_t length, uint8_t byte) {
    const uint64_t *words = (const uint64_t *)bytes, pattern = WORD_OF(byte);
    size_t n = 0;
    while (n < length / 8 && words[n] == pattern) {
        n++;
    }
    return n;
}

// Eight frames at once, where their bytes are alike: most frames lie beside many of their kind.
NATIVE_MANY(frame_map_step, 4, arguments) {
    map_t run = get_run(arguments[0], arguments[1], arguments[2]);
    const uint8_t *steps = get_steps(arguments[3]);
    uint8_t *at = run.bytes;
    const size_t count = run.length;
    size_t done = 0;
    while (done < count) {
        uint8_t byte = at[done], next = steps[byte];
        if (next == REFUSED) {
            break;
        }
        size_t words = ((uintptr_t)(at + done) & 7) == 0 ? words_alike(at + done, count - done, byte) : 0;
        if (words == 0) {
            at[done++] = next;
            continue;
        }
        uint64_t *word = (uint64_t *)(at + done);
        done += words * 8;
        __asm__ volatile ("rep stosq" : "+D"(word), "+c"(words) : "a"(WORD_OF(next)) : "memory");
    }
    return MP_OBJ_NEW_SMALL_INT(done);
}

static inline uint64_t rotated(uint64_t entry) {
    return entry >> 12 | entry << 52;
}

NATIVE_MANY(frame_map_step_leaves, 5, arguments) {
    const map_t map = get_map(arguments[0]);
    const uint64_t *entries = native_get_entries(arguments[1]);
    const uint64_t count = get_count_in_table(arguments[2]), bits = native_get_u64(arguments[3]);
    const uint8_t *steps = get_steps(arguments[4]);
    uint64_t i = 0;
    for (; i < count; i++) {
        // Rotated so, a flag that differs makes the frame number too large: one comparison for both.
        uint64_t frame = rotated((entries[i] ^ bits) & ~ENTRY_ACCESSED_DIRTY);
        if (frame >= map.length) {
            break;
        }
        uint8_t next = steps[map.bytes[frame]];
        if (next == REFUSED) {
            break;
        }
        map.bytes[frame] = next;
    }
    return MP_OBJ_NEW_SMALL_INT(i);
}

NATIVE_2(frame_map_count, map_in, counts_in) {
    map_t map = get_map(map_in);
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(counts_in, &buffer, MP_BUFFER_RW);
    if (buffer.len != 256 * sizeof(uint64_t)) {
        mp_raise_ValueError(MP_ERROR_TEXT("counts are 256 words of 64 bits"));
    }
    uint64_t *counts = buffer.buf;
    memset(counts, 0, buffer.len);
    for (size_t i = 0; i < map.length;) {
        uint8_t byte = map.bytes[i];
        size_t words = ((uintptr_t)(map.bytes + i) & 7) == 0 ? words_alike(map.bytes + i, map.length - i, byte) : 0;
        counts[byte] += words == 0 ? 1 : words * 8;
        i += words == 0 ? 1 : words * 8;
    }
    return mp_const_none;
}

// --- entries alone ---

NATIVE_2(frame_map_difference, entries_in, others_in) {
    const uint64_t *entries = native_get_entries(entries_in);
    mp_buffer_info_t others;
    mp_get_buffer_raise(others_in, &others, MP_BUFFER_READ);
    size_t i = 0;
    for (; i < others.len / 8; i++) {
        uint64_t other;
        memcpy(&other, (const char *)others.buf + 8 * i, 8);
        if ((entries[i] ^ other) & ~ENTRY_ACCESSED_DIRTY) {
            break;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(i);
}

NATIVE_1(frame_map_low_bits, entry) { return MP_OBJ_NEW_SMALL_INT(*native_get_entries(entry) & ((1UL << 52) - 1)); }
NATIVE_1(frame_map_high_bits, entry) { return MP_OBJ_NEW_SMALL_INT(*native_get_entries(entry) >> 52); }

NATIVE_MODULE(frame_map,
    NATIVE(frame_map, fill), NATIVE(frame_map, step), NATIVE(frame_map, step_leaves), NATIVE(frame_map, count),
    NATIVE(frame_map, difference), NATIVE(frame_map, low_bits), NATIVE(frame_map, high_bits));
