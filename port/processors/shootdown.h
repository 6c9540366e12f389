// TLB shootdown: translations that other processors may remember are forgotten before what they lead to is given back.
// SDM volume 3, "Propagation of Paging-Structure Changes to Multiple Processors".
#pragma once
#include <stdint.h>
#include "port/processors/processors.h"

// What is forgotten: a mode is the size of the pages, in bytes, or one of these.
#define SHOOT_NOT_GLOBAL 0              // everything but GLOBAL translations; address and count mean nothing
#define SHOOT_EVERYTHING 1

// Have every attached processor forget `count` pages of `mode` bytes each from `address` on, and wait until all have done so.
// `root`: only who is attached to it is concerned, as the address is in its lower half; 0: everybody. The entries are changed
// already, and this processor has forgotten them itself (invlpg and the like order the one before the other). A processor that
// does not answer within seconds is a panic that names it.
void shootdown_round(uint64_t root, uint64_t address, uint64_t count, uint64_t mode);

// The same; with nobody attached it is a load and a branch.
static inline void shoot(uint64_t root, uint64_t address, uint64_t count, uint64_t mode) {
    if (__builtin_expect(processors_attached != 0, 0)) {
        shootdown_round(root, address, count, mode);
    }
}
