// How Python's heap grows. The first area is static; more come from the kernel's own mappings: at safe points, kernel
// Python puts mapped areas into the reserve (`_heap.offer`). The collector's tables must not be built by Python, and
// Python can't run inside an allocation, so taking an area out of the reserve is done here, in C:
//
//   when                                            what
//   ---------------------------------------------   --------------------------------------------------------------
//   an allocation found no room (it has collected)  the smallest area that it fits in is added; it is tried once more
//   a collection left less than a quarter free      the largest area is added, so that collections don't get frequent
//   a collection left areas empty, and half free    they go back into the reserve; a safe point unmaps what is too much
//   an area was taken                               a safe point is asked for (port/safe_point.c), where Python refills
//
// gc_alloc, gc_realloc and m_malloc_fail are wrapped by the linker (--wrap, port.mk): MicroPython's own automatic
// growth would free an area in which only the first block is in use, and grows only when everything is full.
#include <string.h>
#include "py/gc.h"
#include "py/runtime.h"
#include "boot/layout.h"
#include "port/heap.h"
#include "port/inject.h"
#include "port/machine_control.h"

heap_area_t heap_areas[HEAP_AREAS_MAX];
size_t heap_areas_taken;

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

static void take(heap_area_t *area) {
    gc_add((void *)area->start, (void *)(area->start + area->length));
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

// Two bits a block, 00 is free: count the others, 32 blocks at a time.
static size_t used_blocks(const mp_state_mem_area_t *area) {
    size_t bytes = area->gc_last_used_block / 4 + 1, used = 0;
    if (bytes > area->gc_alloc_table_byte_len) {
        bytes = area->gc_alloc_table_byte_len;
    }
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word = 0;
        memcpy(&word, area->gc_alloc_table_start + i, bytes - i < 8 ? bytes - i : 8);
        word = (word | word >> 1) & 0x5555555555555555UL;
        word = (word & 0x3333333333333333UL) + (word >> 2 & 0x3333333333333333UL);
        word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
        used += word * 0x0101010101010101UL >> 56;
    }
    return used;
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

// Blocks in all areas, blocks in use, and blocks in areas that are empty.
typedef struct { size_t all, used, empty; } blocks_t;

static blocks_t count_blocks(void) {
    blocks_t blocks = { 0, 0, 0 };
    for (const mp_state_mem_area_t *area = &MP_STATE_MEM(area); area != NULL; area = area->next) {
        size_t here = area->gc_alloc_table_byte_len * 4;
        blocks.all += here;
        blocks.used += used_blocks(area);
        blocks.empty += area != &MP_STATE_MEM(area) && is_empty(area) ? here : 0;
    }
    return blocks;
}

void heap_after_collection(void) {
    blocks_t blocks = count_blocks();
    if (blocks.empty > 0 && blocks.used < (blocks.all - blocks.empty) / 2) {
        free_empty_areas();
    } else if (blocks.used > blocks.all / 4 * 3) {
        grow_by(heap_largest_reserve());
    }
}

// --- MicroPython's allocator, with growth ---

void *__real_gc_alloc(size_t bytes, unsigned int flags);
void *__real_gc_realloc(void *pointer, size_t bytes, bool allow_move);
NORETURN_FUNCTION void __real_m_malloc_fail(size_t bytes);

void *__wrap_gc_alloc(size_t bytes, unsigned int flags) {
    if (inject_allocation_fails()) {
        return NULL;
    }
    void *result = __real_gc_alloc(bytes, flags);
    if (result == NULL && bytes != 0 && !gc_is_locked() && grow_by(bytes)) {
        result = __real_gc_alloc(bytes, flags);
    }
    return result;
}

void *__wrap_gc_realloc(void *pointer, size_t bytes, bool allow_move) {
    if (bytes != 0 && allow_move && inject_allocation_fails()) {
        return NULL;
    }
    void *result = __real_gc_realloc(pointer, bytes, allow_move);
    if (result == NULL && bytes != 0 && allow_move && !gc_is_locked() && grow_by(bytes)) {
        result = __real_gc_realloc(pointer, bytes, allow_move);
    }
    return result;
}

NORETURN_FUNCTION void __wrap_m_malloc_fail(size_t bytes) {
    size_t reserve = heap_largest_reserve();
    if (gc_is_locked() || bytes <= reserve) {
        __real_m_malloc_fail(bytes);
    }
    mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("memory allocation failed, allocating %u bytes: Python's heap has no such run"
        " and its reserve holds %u; big data belongs into pages of its own, memory.create_mapping(bytes, flags)"), (uint)bytes, (uint)reserve);
}
