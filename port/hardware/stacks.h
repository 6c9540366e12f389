// The kernel's stacks, each above a page that is never mapped.
#pragma once
#include "boot/layout.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char guard[PAGE_SIZE];
    char body[KERNEL_STACK_BYTES];
} kernel_stack_t;
typedef struct {
    char guard[PAGE_SIZE];
    char body[FAULT_STACK_BYTES];
} fault_stack_t;

extern kernel_stack_t kernel_stack;
extern fault_stack_t page_fault_stack, double_fault_stack, non_maskable_stack, interrupt_stack;
extern char *const stack_guards[];
extern const size_t stack_guards_count;

// The stack that the stack pointer is in; below `bottom` is its guard page. The kernel's own, or one of Python's
// (port/runtime/_stack.c). trap_stubs.S reads both words.
typedef struct { uint64_t bottom, top; } stack_in_use_t;
extern stack_in_use_t stack_in_use;

// Calls that returned have left their words on the kernel's stack, and a later frame may lie over them with slots that it
// does not write: to the collector these look like references, and what was forgotten does not come back. Which slots these
// are is the compiler's choice. So what lies below is cleared, as far down as something is: before whoever stays for long
// is called, and while nobody runs.
void stack_forget_returned_calls(void);

#define STACK_TOP(stack) ((stack).body + sizeof((stack).body))
