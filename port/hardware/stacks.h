// The kernel's stacks, each above a page that is never mapped.
#pragma once
#include "boot/layout.h"
#include <stddef.h>

typedef struct {
    char guard[PAGE_SIZE];
    char body[KERNEL_STACK_BYTES];
} kernel_stack_t;
typedef struct {
    char guard[PAGE_SIZE];
    char body[FAULT_STACK_BYTES];
} fault_stack_t;

extern kernel_stack_t kernel_stack;
extern fault_stack_t page_fault_stack, double_fault_stack, non_maskable_stack;
extern char *const stack_guards[];
extern const size_t stack_guards_count;

#define STACK_TOP(stack) ((stack).body + sizeof((stack).body))
