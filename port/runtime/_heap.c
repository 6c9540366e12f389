// `_heap`: the areas that Python's heap may grow by. Contracts: port/typings/_heap.pyi; how it works: heap.c.
// In C because MicroPython's collector is: only C can make an area known to it.
#include "boot/layout.h"
#include "port/runtime/heap.h"
#include "port/runtime/natives.h"

#define SMALLEST_AREA_PAGES 16

// Put mapped, writable pages that are nobody else's into the reserve. Returns the area's number.
static mp_obj_t heap_offer(mp_obj_t page, mp_obj_t pages_in) {
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
static MP_DEFINE_CONST_FUN_OBJ_2(heap_offer_obj, heap_offer);

static heap_area_t *get_area(mp_obj_t number) {
    return &heap_areas[native_get_below(number, HEAP_AREAS_MAX, "area")];
}

// Take an area out of the reserve, so that it can be unmapped. False if the heap has it.
static mp_obj_t heap_withdraw(mp_obj_t number) {
    heap_area_t *area = get_area(number);
    if (area->state != HEAP_AREA_RESERVED) {
        return mp_const_false;
    }
    area->state = HEAP_AREA_NONE;
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(heap_withdraw_obj, heap_withdraw);

static mp_obj_t heap_is_taken(mp_obj_t number) {
    return mp_obj_new_bool(get_area(number)->state == HEAP_AREA_TAKEN);
}
static MP_DEFINE_CONST_FUN_OBJ_1(heap_is_taken_obj, heap_is_taken);

static mp_obj_t pages_of(heap_area_state_t state) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < HEAP_AREAS_MAX; i++) {
        bytes += heap_areas[i].state == state ? heap_areas[i].length : 0;
    }
    return MP_OBJ_NEW_SMALL_INT(bytes / PAGE_SIZE);
}

static mp_obj_t heap_reserved_pages(void) { return pages_of(HEAP_AREA_RESERVED); }
static MP_DEFINE_CONST_FUN_OBJ_0(heap_reserved_pages_obj, heap_reserved_pages);

static mp_obj_t heap_taken_pages(void) { return pages_of(HEAP_AREA_TAKEN); }
static MP_DEFINE_CONST_FUN_OBJ_0(heap_taken_pages_obj, heap_taken_pages);

// The bytes of the largest object that the reserve has room for.
static mp_obj_t heap_largest(void) { return MP_OBJ_NEW_SMALL_INT(heap_largest_reserve()); }
static MP_DEFINE_CONST_FUN_OBJ_0(heap_largest_obj, heap_largest);

static const mp_rom_map_elem_t heap_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__heap) },
    { MP_ROM_QSTR(MP_QSTR_AREAS_MAX), MP_ROM_INT(HEAP_AREAS_MAX) },
    { MP_ROM_QSTR(MP_QSTR_FIRST_AREA_PAGES), MP_ROM_INT(PYTHON_HEAP_BYTES / PAGE_SIZE) },
    { MP_ROM_QSTR(MP_QSTR_offer), MP_ROM_PTR(&heap_offer_obj) },
    { MP_ROM_QSTR(MP_QSTR_withdraw), MP_ROM_PTR(&heap_withdraw_obj) },
    { MP_ROM_QSTR(MP_QSTR_is_taken), MP_ROM_PTR(&heap_is_taken_obj) },
    { MP_ROM_QSTR(MP_QSTR_reserved_pages), MP_ROM_PTR(&heap_reserved_pages_obj) },
    { MP_ROM_QSTR(MP_QSTR_taken_pages), MP_ROM_PTR(&heap_taken_pages_obj) },
    { MP_ROM_QSTR(MP_QSTR_largest), MP_ROM_PTR(&heap_largest_obj) },
};
static MP_DEFINE_CONST_DICT(heap_globals, heap_globals_table);
const mp_obj_module_t heap_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&heap_globals };
MP_REGISTER_MODULE(MP_QSTR__heap, heap_module);
