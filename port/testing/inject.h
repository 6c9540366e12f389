// Trouble on demand, for the tests: see _inject.c. Included by mpconfigport.h: nothing but plain C here.
#pragma once
#include <stdint.h>

// How many checks of the virtual machine, or allocations, are left until something happens; 0: nothing will.
extern uint64_t inject_checks_left, inject_allocations_left;
void inject_on_check(void);
void inject_reset(void);

#define INJECT_CHECK() do { if (__builtin_expect(inject_checks_left != 0, 0)) { inject_on_check(); } } while (0)

// Is this the allocation that is to fail?
static inline int inject_allocation_fails(void) {
    return __builtin_expect(inject_allocations_left != 0, 0) && --inject_allocations_left == 0;
}
