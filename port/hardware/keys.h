// Protection keys of supervisor pages (PKS): IA32_PKRS has two bits for each of the 16 keys that a leaf may have, "no
// access" and "no write". Each processor has a register of its own; here is that of the one that runs Python.
//
//   at rest    the register holds `rights`, which Python has chosen
//   in a commit of the kernel's own, and while a native stores, the rights of `guarded` are open as well
//
// A handler of exceptions or interrupts finds everything at rest, and what it has interrupted goes on as it was.
// Intel SDM volume 3, "Protection Keys".
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "port/hardware/instructions.h"

typedef struct {
    uint32_t rights;        // at rest
    uint32_t guarded;       // the bits that a commit takes away; 0: there is no guard
    uint32_t held;          // what the register has: it is written only to change, which makes QEMU forget all translations
    unsigned commits;       // how many commits are under way, one in the other
    bool storing;           // a native stores, outside of which nothing is called
} keys_t;
extern keys_t keys;

static inline bool keys_are_open(void) { return keys.commits != 0 || keys.storing; }
static inline void keys_apply(void) {
    const uint32_t wanted = keys_are_open() ? keys.rights & ~keys.guarded : keys.rights;
    if (keys.held != wanted) {
        keys.held = wanted;
        msr_write(MSR_PKRS, wanted);
    }
}

// Around the stores of a native, which raises nothing in between.
static inline void keys_begin_store(void) {
    if (keys.guarded != 0) {
        keys.storing = true;
        keys_apply();
    }
}
static inline void keys_end_store(void) {
    if (keys.guarded != 0) {
        keys.storing = false;
        keys_apply();
    }
}
// All that is open is closed. What it was, for keys_resume().
static inline keys_t keys_rest(void) {
    const keys_t before = keys;
    if (keys_are_open()) {
        keys.commits = 0;
        keys.storing = false;
        keys_apply();
    }
    return before;
}
static inline void keys_resume(const keys_t *before) {
    if (before->commits != 0 || before->storing) {
        keys.commits = before->commits;
        keys.storing = before->storing;
        keys_apply();
    }
}
// As at power-on: before Python begins, and for a panic, which nothing is to refuse.
void keys_reset(void);
