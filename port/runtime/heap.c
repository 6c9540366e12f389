// How Python's heap grows. The first area is static; more come from the kernel's own mappings: at safe points, kernel
// Python puts mapped areas into the reserve (`_heap.offer`). The collector's tables must not be built by Python, and
// Python can't run inside an allocation, so taking an area out of the reserve is done here, in C:
//
//   when                                            what
//   ---------------------------------------------   --------------------------------------------------------------
//   an allocation found no room (it has collected)  the smallest area that it fits in is added; it is tried once more
//   a collection left less than a quarter free      the largest area is added, so that collections don't get frequent
//   a collection left areas empty, and half free    they go back into the reserve; a safe point unmaps what is too much
//   an area was taken                               a safe point is asked for (safe_point.c), where Python refills
//
// MicroPython's allocator, and what asks for its attention, are wrapped by the linker (--wrap, port.mk). Its own automatic
// growth would free an area in which only the first block is in use, and grows only when everything is full.
#include <string.h>
#include "py/compile.h"
#include "py/gc.h"
#include "py/runtime.h"
#include "shared/runtime/gchelper.h"
#include "boot/layout.h"
#include "port/runtime/heap.h"
#include "port/runtime/safe_point.h"
#include "port/runtime/stack.h"
#include "port/testing/inject.h"

heap_area_t heap_areas[HEAP_AREAS_MAX];
size_t heap_areas_taken;
volatile bool collector_is_running;

void heap_reset(void) {
    memset(heap_areas, 0, sizeof heap_areas);
    heap_areas_taken = 0;
}

// --- taking areas ---

// What the collector needs of an area for itself: 3 bytes for each 4 blocks of 32, and its own record.
static size_t payload(size_t length) {
    return length - length / 42 - 2 * PAGE_SIZE;
}

size_t heap_largest_reserve(void) {
    size_t largest = 0;
    for (size_t i = 0; i < HEAP_AREAS_MAX; i++) {
        if (heap_areas[i].state == HEAP_AREA_RESERVED && payload(heap_areas[i].length) > largest) {
            largest = payload(heap_areas[i].length);
        }
    }
    return largest;
}

// What is allocated next goes to the new area: while blocks of one kind fill the holes of the others, each allocation
// of another kind would pass all of those again.
static void take(heap_area_t *area) {
    gc_add((void *)area->start, (void *)(area->start + area->length));
    MP_STATE_MEM(gc_last_free_area) = (mp_state_mem_area_t *)area->start;
    area->state = HEAP_AREA_TAKEN;
    heap_areas_taken++;
    safe_point_request();
}

// The smallest reserved area with room for `bytes` joins the heap. False if there is none.
static bool grow_by(size_t bytes) {
    heap_area_t *best = NULL;
    for (size_t i = 0; i < HEAP_AREAS_MAX; i++) {
        heap_area_t *area = &heap_areas[i];
        if (area->state == HEAP_AREA_RESERVED && payload(area->length) >= bytes && (best == NULL || area->length < best->length)) {
            best = area;
        }
    }
    if (best == NULL) {
        safe_point_request();
        return false;
    }
    take(best);
    return true;
}

// --- what a collection left ---

#define BLOCKS_PER_BYTE 4
#define BLOCKS_PER_WORD 32

// Blocks in use, and the longest free run, by whole words of the allocation table (32 blocks).
typedef struct { size_t used, run_start, run_length; } survey_t;

// Two bits a block, 00 is free.
static size_t used_in(uint64_t word) {
    word = (word | word >> 1) & 0x5555555555555555UL;
    word = (word & 0x3333333333333333UL) + (word >> 2 & 0x3333333333333333UL);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
    return word * 0x0101010101010101UL >> 56;
}

static survey_t survey(const mp_state_mem_area_t *area) {
    size_t words = area->gc_alloc_table_byte_len / 8, used_words = area->gc_last_used_block / BLOCKS_PER_WORD + 1;
    survey_t found = { 0, 0, 0 };
    size_t start = 0;
    for (size_t i = 0; i < used_words && i < words; i++) {
        uint64_t word = ((const uint64_t *)area->gc_alloc_table_start)[i];
        if (word == 0) {
            continue;
        }
        found.used += used_in(word);
        if (i - start > found.run_length) {
            found.run_start = start;
            found.run_length = i - start;
        }
        start = i + 1;
    }
    if (start < words && words - start > found.run_length) {
        found.run_start = start;
        found.run_length = words - start;
    }
    return found;
}

// --- giving areas back ---

static bool is_empty(const mp_state_mem_area_t *area) {
    return area->gc_last_used_block == 0 && (area->gc_alloc_table_start[0] & 3) == 0;
}

// Take the areas in which nothing lives out of the heap, back into the reserve. Right after a collection only: until
// then the collector does not know what is empty.
static void free_empty_areas(void) {
    mp_state_mem_area_t *previous = &MP_STATE_MEM(area);
    for (mp_state_mem_area_t *area = previous->next; area != NULL; area = previous->next) {
        if (!is_empty(area)) {
            previous = area;
            continue;
        }
        previous->next = area->next;
        for (size_t i = 0; i < HEAP_AREAS_MAX; i++) {
            if (heap_areas[i].start == (uint64_t)area && heap_areas[i].state == HEAP_AREA_TAKEN) {
                heap_areas[i].state = HEAP_AREA_RESERVED;
                heap_areas_taken--;
            }
        }
    }
    MP_STATE_MEM(gc_last_free_area) = &MP_STATE_MEM(area);
    safe_point_request();
}

// Where the next allocations look first: at the beginning of the longest free run of the first area that has a long
// one. From the beginning of the heap on, as MicroPython does it, each allocation of several blocks would first pass all
// that has lived longest. The holes before are used when nothing is left behind; see look_everywhere(). The first area
// that will do, so that the others get empty and can be given back.
static void look_first_at(mp_state_mem_area_t *area, const survey_t *found) {
    MP_STATE_MEM(gc_last_free_area) = area;
    area->gc_last_free_atb_index = found->run_start * (BLOCKS_PER_WORD / BLOCKS_PER_BYTE);
}

static void look_everywhere(void) {
    MP_STATE_MEM(gc_last_free_area) = &MP_STATE_MEM(area);
    for (mp_state_mem_area_t *area = &MP_STATE_MEM(area); area != NULL; area = area->next) {
        area->gc_last_free_atb_index = 0;
    }
}

// Freeing a block makes MicroPython look from there on again, past all that lies behind it. What is freed can wait for
// the next collection: allocations go on where they were, unless a collection has found a better place since.
typedef struct { mp_state_mem_area_t *first, *area; size_t first_index, index, collections; } place_t;

static size_t collections;

static mp_state_mem_area_t *area_of(const void *pointer) {
    for (mp_state_mem_area_t *area = &MP_STATE_MEM(area); area != NULL; area = area->next) {
        if ((const byte *)pointer >= area->gc_pool_start && (const byte *)pointer < area->gc_pool_end) {
            return area;
        }
    }
    return MP_STATE_MEM(gc_last_free_area);
}

static place_t place_before(const void *pointer) {
    mp_state_mem_area_t *first = MP_STATE_MEM(gc_last_free_area), *area = area_of(pointer);
    return (place_t) { first, area, first->gc_last_free_atb_index, area->gc_last_free_atb_index, collections };
}

static void go_on_at(const place_t *place) {
    if (place->collections == collections) {
        MP_STATE_MEM(gc_last_free_area) = place->first;
        place->first->gc_last_free_atb_index = MAX(place->first->gc_last_free_atb_index, place->first_index);
        place->area->gc_last_free_atb_index = MAX(place->area->gc_last_free_atb_index, place->index);
    }
}

#define SHORTEST_RUN_WORDS 64      // 64 KiB
#define LONG_RUN_WORDS 1024        // 1 MiB

static void after_collection(void) {
    collections++;
    size_t all = 0, used = 0, empty = 0;
    survey_t best = { 0, 0, SHORTEST_RUN_WORDS };
    mp_state_mem_area_t *best_area = NULL;
    for (mp_state_mem_area_t *area = &MP_STATE_MEM(area); area != NULL; area = area->next) {
        survey_t found = survey(area);
        size_t here = area->gc_alloc_table_byte_len * BLOCKS_PER_BYTE;
        all += here;
        used += found.used;
        if (area != &MP_STATE_MEM(area) && is_empty(area)) {
            empty += here;
        } else if (found.run_length > best.run_length && best.run_length < LONG_RUN_WORDS) {
            best = found;
            best_area = area;
        }
    }
    bool grown = used > all / 4 * 3 && grow_by(heap_largest_reserve());
    if (empty > 0 && used < (all - empty) / 2) {
        free_empty_areas();
    }
    if (best_area != NULL && !grown) {
        look_first_at(best_area, &best);
    }
}

void gc_collect(void) {
    collector_is_running = true;
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    stacks_collect();
    gc_collect_end();
    collector_is_running = false;
    after_collection();
}

// --- MicroPython's allocator, with growth ---

void *__real_gc_alloc(size_t bytes, unsigned int flags);
void *__real_gc_realloc(void *pointer, size_t bytes, bool allow_move);
void __real_gc_free(void *pointer);
NORETURN void __real_m_malloc_fail(size_t bytes);

// There was no room behind the place where allocations look first, and a collection has not changed that.
static void *alloc_again(size_t bytes, unsigned int flags) {
    bool enabled = MP_STATE_MEM(gc_auto_collect_enabled);
    MP_STATE_MEM(gc_auto_collect_enabled) = false;
    if (!grow_by(bytes)) {
        look_everywhere();
    }
    void *result = __real_gc_alloc(bytes, flags);
    MP_STATE_MEM(gc_auto_collect_enabled) = enabled;
    return result;
}

// While code is compiled, nothing may fill its blocks to the last byte: the table of a script's objects, if it is
// empty, begins behind the end of its memory, and the collector would take that for a reference to what lies there: a
// view, say, that nobody has any more, and the mapping under it could not be unmapped. After an error in compiling this
// stays so until the next script is compiled, which does no harm.
static bool compiling;

mp_obj_t __real_mp_compile(mp_parse_tree_t *tree, qstr source_file, bool is_repl);
mp_obj_t __wrap_mp_compile(mp_parse_tree_t *tree, qstr source_file, bool is_repl) {
    compiling = true;
    mp_obj_t function = __real_mp_compile(tree, source_file, is_repl);
    compiling = false;
    return function;
}

void *__wrap_gc_alloc(size_t bytes, unsigned int flags) {
    if (compiling && bytes % MICROPY_BYTES_PER_GC_BLOCK == 0 && bytes != 0) {
        bytes++;
    }
    if (inject_allocation_fails()) {
        return NULL;
    }
    void *result = __real_gc_alloc(bytes, flags);
    if (result == NULL && bytes != 0 && !gc_is_locked()) {
        result = alloc_again(bytes, flags);
    }
    return result;
}

void __wrap_gc_free(void *pointer) {
    place_t place = place_before(pointer);
    __real_gc_free(pointer);
    go_on_at(&place);
}

void *__wrap_gc_realloc(void *pointer, size_t bytes, bool allow_move) {
    if (bytes != 0 && allow_move && inject_allocation_fails()) {
        return NULL;
    }
    place_t place = place_before(pointer);
    void *result = __real_gc_realloc(pointer, bytes, allow_move);
    go_on_at(&place);
    if (result == NULL && bytes != 0 && allow_move && !gc_is_locked()) {
        bool enabled = MP_STATE_MEM(gc_auto_collect_enabled);
        MP_STATE_MEM(gc_auto_collect_enabled) = false;
        if (!grow_by(bytes)) {
            look_everywhere();
        }
        result = __real_gc_realloc(pointer, bytes, allow_move);
        MP_STATE_MEM(gc_auto_collect_enabled) = enabled;
    }
    return result;
}

NORETURN void __wrap_m_malloc_fail(size_t bytes) {
    size_t reserve = heap_largest_reserve();
    if (gc_is_locked() || bytes <= reserve) {
        __real_m_malloc_fail(bytes);
    }
    mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("memory allocation failed, allocating %u bytes: Python's heap has no such run"
        " and its reserve holds %u; big data belongs into pages of its own, memory.create_mapping(bytes, flags)"), (uint)bytes, (uint)reserve);
}
