// Python's heap beyond its first area: heap.c, and `_heap` for kernel Python.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_AREAS_MAX 32

typedef enum { HEAP_AREA_NONE, HEAP_AREA_RESERVED, HEAP_AREA_TAKEN } heap_area_state_t;

typedef struct {
    uint64_t start, length;     // bytes
    heap_area_state_t state;
} heap_area_t;

extern heap_area_t heap_areas[HEAP_AREAS_MAX];
extern size_t heap_areas_taken;

void heap_reset(void);
extern volatile bool collector_is_running;      // then Python must not be entered
size_t heap_largest_reserve(void);      // bytes that fit in one more area
