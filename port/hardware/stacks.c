// The kernel's stack, as the collector sees it.
#include "port/hardware/stacks.h"

#define CLEAN_WORDS 512

void stack_forget_returned_calls(void) {
    uint64_t *bottom = (uint64_t *)kernel_stack.body, *word;
    __asm__ volatile ("mov %%rsp, %0" : "=r"(word));
    if (word > (uint64_t *)STACK_TOP(kernel_stack)) {
        return;                             // on another stack
    }
    for (size_t clean = 0; word > bottom && clean < CLEAN_WORDS; clean++) {
        if (*--word != 0) {
            *(volatile uint64_t *)word = 0;
            clean = 0;
        }
    }
}
