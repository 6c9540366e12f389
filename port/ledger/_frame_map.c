// `_frame_map`: a byte for every frame, kept once for all of a chunk where they are alike; and the entries of one table held
// against it. Contracts: port/typings/_frame_map.pyi.
//
// What a byte means is Python's business (kernel/memory/audit/claims.py). It says so with `steps`, 256 bytes: what a byte
// becomes when somebody has a claim on its frame, or REFUSED, at which each of these loops stops and lets Python look.
// Nothing here knows that tables nest.
//
// In C because `verify a million scattered pages` is 20 instructions a page: one look at an entry and one store in
// Python's own machine code are 77.
#include <string.h>
#include "port/runtime/natives.h"
#include "port/hardware/paging.h"

#define REFUSED 255
#define CHUNK 32768UL
#define WORD_OF(byte) ((byte) * 0x0101010101010101UL)

// A chunk of frames that have the same byte is that byte; another one is the address of a leaf, which has a byte for each.
typedef struct { uint64_t length, spare, chunks[]; } map_t;

static map_t *get_map(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_RW);
    map_t *map = buffer.buf;
    if (buffer.len < sizeof *map || (buffer.len - sizeof *map) / sizeof(uint64_t) * CHUNK < map->length) {
        mp_raise_ValueError(MP_ERROR_TEXT("a map has two words, and one for each chunk of 32768 frames"));
    }
    return map;
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

static void fill(uint8_t *bytes, size_t words, uint8_t byte) {
    __asm__ volatile ("rep stosq" : "+D"(bytes), "+c"(words) : "a"(WORD_OF(byte)) : "memory");
}

// The leaf of a chunk; one whose frames were alike gets the next spare one.
static uint8_t *leaf_of(map_t *map, uint64_t chunk) {
    uint64_t word = map->chunks[chunk], frames = MIN(CHUNK, map->length - chunk * CHUNK);
    if (word <= UINT8_MAX) {
        if (map->spare == 0) {
            mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("the map has no spare leaf"));
        }
        map->chunks[chunk] = map->spare;
        map->spare = *(uint64_t *)map->spare;
        fill((uint8_t *)map->chunks[chunk], (frames + 7) / 8, word);
    }
    return (uint8_t *)map->chunks[chunk];
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
static size_t step_bytes(uint8_t *at, size_t count, const uint8_t *steps) {
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
        fill(at + done, words, next);
        done += words * 8;
    }
    return done;
}

NATIVE_MANY(frame_map_step, 4, arguments) {
    map_t *map = get_map(arguments[0]);
    const uint64_t first = native_get_below(arguments[1], 1UL << 52, "frame number");
    const uint64_t end = MIN(first + native_get_below(arguments[2], 1UL << 53, "count"), map->length);
    const uint8_t *steps = get_steps(arguments[3]);
    uint64_t at = first;
    while (at < end) {
        uint64_t chunk = at / CHUNK, word = map->chunks[chunk], behind = MIN((chunk + 1) * CHUNK, end);
        if (word <= UINT8_MAX) {
            uint8_t next = steps[word];
            if (next == REFUSED) {
                break;
            }
            if (next == word || (at % CHUNK == 0 && (behind % CHUNK == 0 || behind == map->length))) {
                map->chunks[chunk] = next;
                at = behind;
                continue;
            }
        }
        at += step_bytes(leaf_of(map, chunk) + at % CHUNK, behind - at, steps);
        if (at < behind) {
            break;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(at - first);
}

static inline uint64_t rotated(uint64_t entry) {
    return entry >> 12 | entry << 52;
}

NATIVE_MANY(frame_map_step_leaves, 5, arguments) {
    map_t *map = get_map(arguments[0]);
    const uint64_t *entries = native_get_entries(arguments[1]);
    const uint64_t count = get_count_in_table(arguments[2]), bits = native_get_u64(arguments[3]);
    const uint8_t *steps = get_steps(arguments[4]);
    uint64_t i = 0;
    for (; i < count; i++) {
        // Rotated so, a flag that differs makes the frame number too large: one comparison for both.
        uint64_t frame = rotated((entries[i] ^ bits) & ~ENTRY_ACCESSED_DIRTY);
        if (frame >= map->length) {
            break;
        }
        uint64_t word = map->chunks[frame / CHUNK];
        uint8_t *bytes = (uint8_t *)word, next = steps[word <= UINT8_MAX ? word : bytes[frame % CHUNK]];
        if (next == REFUSED) {
            break;
        }
        if (word > UINT8_MAX) {
            bytes[frame % CHUNK] = next;
        } else if (next != word) {
            leaf_of(map, frame / CHUNK)[frame % CHUNK] = next;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(i);
}

static void count_bytes(const uint8_t *bytes, size_t length, uint64_t *counts) {
    for (size_t i = 0; i < length;) {
        size_t words = ((uintptr_t)(bytes + i) & 7) == 0 ? words_alike(bytes + i, length - i, bytes[i]) : 0;
        counts[bytes[i]] += words == 0 ? 1 : words * 8;
        i += words == 0 ? 1 : words * 8;
    }
}

NATIVE_2(frame_map_count, map_in, counts_in) {
    const map_t *map = get_map(map_in);
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(counts_in, &buffer, MP_BUFFER_RW);
    if (buffer.len != 256 * sizeof(uint64_t)) {
        mp_raise_ValueError(MP_ERROR_TEXT("counts are 256 words of 64 bits"));
    }
    uint64_t *counts = buffer.buf;
    memset(counts, 0, buffer.len);
    for (uint64_t chunk = 0; chunk * CHUNK < map->length; chunk++) {
        uint64_t word = map->chunks[chunk], frames = MIN(CHUNK, map->length - chunk * CHUNK);
        if (word <= UINT8_MAX) {
            counts[word] += frames;
        } else {
            count_bytes((const uint8_t *)word, frames, counts);
        }
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
    NATIVE_INT(CHUNK, CHUNK), NATIVE(frame_map, step), NATIVE(frame_map, step_leaves), NATIVE(frame_map, count),
    NATIVE(frame_map, difference), NATIVE(frame_map, low_bits), NATIVE(frame_map, high_bits));
