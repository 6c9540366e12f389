// `_stack`: a Python callable, run on a stack of its own.
//
//   top    ┌───────────────────────────┐
//          │ frames of Python's calls  │  a quarter (MicroPython's pystack); they grow up
//          ├───────────────────────────┤  the stack pointer begins here
//          │ C and machine code        │  grow down; from STACK_RESERVE_BYTES above the bottom on, RecursionError
//   bottom ├───────────────────────────┤
//          │ guard page                │  StackOverflow (port/faults/traps.c)
//          └───────────────────────────┘
//
// Exceptions don't leave the stack that they are raised on: they are caught there, and raised anew on the one that waits.
// So the last handler of exceptions always lies on the stack in use.
//
// In C because it is about the stack that Python runs on. Which pages those are, and who may use them, is Python's
// (kernel/memory/mappings/stack.py).
#include "py/gc.h"
#include "py/pystack.h"
#include "py/runtime.h"
#include "boot/layout.h"
#include "port/hardware/stacks.h"
#include "port/runtime/natives.h"
#include "port/runtime/stack.h"

// A stack that waits until what it called on another one is over. It lies on the stack itself.
typedef struct waiting {
    struct waiting *below;
    uint64_t in_use_from;
    stack_in_use_t stack;
    size_t limit;
    uint8_t *frames_start, *frames_end, *frames_current;
    nlr_jump_callback_node_t *callbacks;
} waiting_t;
static waiting_t *waiting;      // the one that waits for the stack in use

typedef struct {
    mp_obj_t function;
    const mp_obj_tuple_t *arguments;
    mp_obj_t result;
    void *exception;
} call_t;

void stack_switch(void (*function)(void *), void *argument, uint64_t top, uint64_t *waits_at);

void stacks_collect(void) {
    for (waiting_t *one = waiting; one != NULL; one = one->below) {
        gc_collect_root((void **)one->in_use_from, (one->stack.top - one->in_use_from) / sizeof(void *));
        gc_collect_root((void **)one->frames_start, (one->frames_current - one->frames_start) / sizeof(void *));
    }
}

static void use(const stack_in_use_t *stack, size_t limit, uint8_t *frames, uint8_t *frames_end) {
    stack_in_use = *stack;
    MP_STATE_THREAD(stack_top) = (char *)stack->top;
    MP_STATE_THREAD(stack_limit) = limit;
    mp_pystack_init(frames, frames_end);
}

// On the new stack.
static void perform(void *argument) {
    call_t *call = argument;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        call->result = mp_call_function_n_kw(call->function, call->arguments->len, 0, call->arguments->items);
        nlr_pop();
    } else {
        call->exception = nlr.ret_val;
    }
}

NATIVE_MANY(stack_call, 4, items) {
    uint64_t bottom = native_get_page(items[0]), bytes = native_get_below(items[1], 1UL << 28, "count") * PAGE_SIZE;
    stack_in_use_t stack = { bottom, bottom + bytes / 4 * 3 };
    if (bytes / 4 * 3 <= STACK_RESERVE_BYTES || bottom + bytes < bottom || !mp_obj_is_exact_type(items[3], &mp_type_tuple)) {
        mp_raise_ValueError(MP_ERROR_TEXT("a page, a count of pages, a function and a tuple expected"));
    }
    // That all of it can be written is found out while a fault has a stack to come on.
    for (volatile char *byte = (char *)bottom; byte < (char *)bottom + bytes; byte += PAGE_SIZE) {
        *byte = *byte;
    }
    call_t call = { items[2], MP_OBJ_TO_PTR(items[3]), mp_const_none, NULL };
    waiting_t here = {
        waiting, 0, stack_in_use, MP_STATE_THREAD(stack_limit),
        MP_STATE_THREAD(pystack_start), MP_STATE_THREAD(pystack_end), MP_STATE_THREAD(pystack_cur),
        MP_STATE_THREAD(nlr_jump_callback_top),
    };
    waiting = &here;
    MP_STATE_THREAD(nlr_jump_callback_top) = NULL;      // whose they are is told by their addresses: wrong between stacks
    use(&stack, stack.top - stack.bottom - STACK_RESERVE_BYTES, (uint8_t *)stack.top, (uint8_t *)bottom + bytes);
    stack_switch(perform, &call, stack.top, &here.in_use_from);
    use(&here.stack, here.limit, here.frames_start, here.frames_end);
    MP_STATE_THREAD(pystack_cur) = here.frames_current;
    MP_STATE_THREAD(nlr_jump_callback_top) = here.callbacks;
    waiting = here.below;
    if (call.exception != NULL) {
        nlr_raise(MP_OBJ_FROM_PTR(call.exception));
    }
    return call.result;
}

NATIVE_MODULE(stack,
    NATIVE(stack, call));
