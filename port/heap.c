// How Python's heap grows. The first area is static; more come from the kernel's own mappings: at safe points, kernel
// Python puts mapped areas into the reserve (`_heap.offer`). The collector's tables must not be built by Python, and
// Python can't run inside an allocation, so taking an area out of the reserve is done here, in C:
//
//   when                                            what
//   ---------------------------------------------   --------------------------------------------------------------
//   an allocation found no room (it has collected)  the smallest area that it fits in is added; it is tried once more
//   a collection left less than a quarter free      the largest area is added, so that collections don't get frequent
//   an area was taken                               the refiller (Python) is scheduled: it runs between two bytecodes
//
// gc_alloc, gc_realloc and m_malloc_fail are wrapped by the linker (--wrap, port.mk): MicroPython's own automatic
// growth would free an area in which only the first block is in use, and grows only when everything is full.
#include <string.h>
#include "py/gc.h"
#include "py/runtime.h"
#include "boot/layout.h"
#include "port/heap.h"
#include "port/machine_control.h"

heap_area_t heap_areas[HEAP_AREAS_MAX];
size_t heap_areas_taken;

static mp_sched_node_t refill_node;

MP_REGISTER_ROOT_POINTER(mp_obj_t heap_refiller);

void heap_reset(void) {
    memset(heap_areas, 0, sizeof heap_areas);
    heap_areas_taken = 0;
    memset(&refill_node, 0, sizeof refill_node);
    MP_STATE_VM(sched_head) = MP_STATE_VM(sched_tail) = NULL;       // mp_init() leaves them as they are
}

// --- refilling the reserve ---

// Uninterrupted. It may fail (no frames, or an allocator was interrupted half way): the next growth asks again.
static void refill(mp_sched_node_t *node) {
    (void)node;
    mp_obj_t refiller = MP_STATE_VM(heap_refiller);
    if (refiller == MP_OBJ_NULL || gc_is_locked()) {
        return;
    }
    nlr_buf_t nlr;
    critical_hold();
    if (nlr_push(&nlr) == 0) {
        mp_call_function_0(refiller);
        nlr_pop();
    }
    critical_release();
}

static void ask_for_refill(void) {
    if (MP_STATE_VM(heap_refiller) != MP_OBJ_NULL) {
        mp_sched_schedule_node(&refill_node, refill);
    }
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
    ask_for_refill();
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
        ask_for_refill();
        return false;
    }
    take(best);
    return true;
}

// --- after a collection ---

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

void heap_after_collection(void) {
    size_t blocks = 0, used = 0;
    for (const mp_state_mem_area_t *area = &MP_STATE_MEM(area); area != NULL; area = area->next) {
        blocks += area->gc_alloc_table_byte_len * 4;
        used += used_blocks(area);
    }
    if (used > blocks / 4 * 3) {
        size_t largest = heap_largest_reserve();
        if (largest > 0) {
            grow_by(largest);
        } else {
            ask_for_refill();
        }
    }
}

// --- giving areas back ---

static bool is_empty(const mp_state_mem_area_t *area) {
    return area->gc_last_used_block == 0 && (area->gc_alloc_table_start[0] & 3) == 0;
}

// Take the areas in which nothing lives out of the heap, back into the reserve. Right after a collection only: until
// then the collector does not know what is empty. Returns how many.
size_t heap_free_empty_areas(void) {
    size_t freed = 0;
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
                freed++;
            }
        }
    }
    MP_STATE_MEM(gc_last_free_area) = &MP_STATE_MEM(area);
    return freed;
}

// --- MicroPython's allocator, with growth ---

void *__real_gc_alloc(size_t bytes, unsigned int flags);
void *__real_gc_realloc(void *pointer, size_t bytes, bool allow_move);
NORETURN_FUNCTION void __real_m_malloc_fail(size_t bytes);

void *__wrap_gc_alloc(size_t bytes, unsigned int flags) {
    void *result = __real_gc_alloc(bytes, flags);
    if (result == NULL && bytes != 0 && !gc_is_locked() && grow_by(bytes)) {
        result = __real_gc_alloc(bytes, flags);
    }
    return result;
}

void *__wrap_gc_realloc(void *pointer, size_t bytes, bool allow_move) {
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
