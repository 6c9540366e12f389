// `_heap`: the areas that Python's heap may grow by. Contracts: port/typings/_heap.pyi; how it works: heap.c.
// In C because MicroPython's collector is: only C can make an area known to it.
#include "boot/layout.h"
#include "port/boot/tables.h"
#include "port/runtime/heap.h"
#include "port/runtime/natives.h"

#define SMALLEST_AREA_PAGES 16

// Put mapped, writable pages that are nobody else's into the reserve. Returns the area's number.
NATIVE_2(heap_offer, page, pages_in) {
    uint64_t start = native_get_page(page);
    uint64_t pages = native_get_below(pages_in, 1UL << 32, "number of pages");
    if (pages < SMALLEST_AREA_PAGES) {
        mp_raise_ValueError(MP_ERROR_TEXT("an area of the heap has 16 pages at least"));
    }
    for (size_t i = 0; i < HEAP_AREAS_MAX; i++) {
        if (heap_areas[i].state == HEAP_AREA_NONE) {
            heap_areas[i] = (heap_area_t) { start, pages * PAGE_SIZE, HEAP_AREA_RESERVED };
            return MP_OBJ_NEW_SMALL_INT(i);
        }
    }
    mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("Python's heap has 32 areas already"));
}

static heap_area_t *get_area(mp_obj_t number) {
    return &heap_areas[native_get_below(number, HEAP_AREAS_MAX, "area")];
}

// Take an area out of the reserve, so that it can be unmapped. False if the heap has it.
NATIVE_1(heap_withdraw, number) {
    heap_area_t *area = get_area(number);
    if (area->state != HEAP_AREA_RESERVED) {
        return mp_const_false;
    }
    area->state = HEAP_AREA_NONE;
    return mp_const_true;
}

NATIVE_1(heap_is_taken, number) { return mp_obj_new_bool(get_area(number)->state == HEAP_AREA_TAKEN); }

static mp_obj_t pages_of(heap_area_state_t state) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < HEAP_AREAS_MAX; i++) {
        bytes += heap_areas[i].state == state ? heap_areas[i].length : 0;
    }
    return MP_OBJ_NEW_SMALL_INT(bytes / PAGE_SIZE);
}

NATIVE_0(heap_reserved_pages) { return pages_of(HEAP_AREA_RESERVED); }
NATIVE_0(heap_first_area_pages) { return MP_OBJ_NEW_SMALL_INT(first_heap.bytes / PAGE_SIZE); }
NATIVE_0(heap_taken_pages) { return pages_of(HEAP_AREA_TAKEN); }

// The bytes of the largest object that the reserve has room for.
NATIVE_0(heap_largest) { return MP_OBJ_NEW_SMALL_INT(heap_largest_reserve()); }

NATIVE_MODULE(heap,
    NATIVE_INT(AREAS_MAX, HEAP_AREAS_MAX), NATIVE(heap, first_area_pages),
    NATIVE(heap, offer), NATIVE(heap, withdraw), NATIVE(heap, is_taken), NATIVE(heap, reserved_pages),
    NATIVE(heap, taken_pages), NATIVE(heap, largest));
