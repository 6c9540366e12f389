"""Small faults in running something on a Stack."""

STACK = "port/runtime/_stack.c"
OWNER = "kernel/memory/mappings/stack.py"
TESTS = "tests/memory/mappings/test_running_on_a_stack.py::"

MUTANTS = [
    (
        "the collector does not look through a stack that waits",
        STACK,
        "(one->stack.top - one->in_use_from) / sizeof(void *)",
        "0",
        TESTS + "test_a_collection_inside_finds_what_waits_and_what_runs",
    ),
    (
        "the collector does not look through the frames of a stack that waits",
        STACK,
        "(one->frames_current - one->frames_start) / sizeof(void *)",
        "0",
        TESTS + "test_mappings_that_only_waiting_functions_have_are_not_forgotten",
    ),
    (
        "on a Stack the limit of recursion is the kernel's",
        STACK,
        "    MP_STATE_THREAD(stack_limit) = limit;\n",
        "",
        TESTS + "test_recursion_of_python_ends_at_the_limit_of_this_stack",
    ),
    (
        "after a call on a Stack the frames of the waiting one are overwritten",
        STACK,
        "    MP_STATE_THREAD(pystack_cur) = here.frames_current;\n",
        "",
        TESTS + "test_the_frames_of_a_function_that_waits_are_not_used_for_others",
    ),
    (
        "an exception on a Stack calls back what waits on another",
        STACK,
        "    MP_STATE_THREAD(nlr_jump_callback_top) = NULL;",
        "",
        TESTS + "test_an_exception_there_ends_nothing_that_waits_here",
    ),
    (
        "a Stack that can't be written is run on",
        STACK,
        "        *byte = *byte;\n",
        "",
        TESTS + "test_the_pages_are_free_again_after_the_call",
    ),
    (
        "interrupts come on the interrupted stack",
        "port/faults/gates.c",
        "vector >= VECTOR_INTERRUPTS ? IST_INTERRUPT : 0",
        "0",
        TESTS + "test_an_interrupt_at_the_end_of_a_stack_does_not_need_it",
    ),
    (
        "the overflow of a stack is a page fault like any other",
        "port/faults/traps.c",
        "    record->stack_overflow = true;\n",
        "",
        TESTS + "test_machine_code_that_overflows_it_is_an_exception_by_name",
    ),
    (
        "the paging layer may change a Stack that something runs on",
        OWNER,
        "            protection.areas = with_this\n",
        "",
        TESTS + "test_the_pages_stay_while_something_runs_on_them",
    ),
    (
        "a Stack may be dropped while something runs on it",
        OWNER,
        "        state[RECORD] = busy\n",
        "",
        TESTS + "test_the_pages_stay_while_something_runs_on_them",
    ),
    (
        "a page is a guard page for ever",
        "kernel/memory/ledger/__init__.py",
        "    del guards[page]  # the Stack was forgotten, and taken away\n    return None\n",
        "    return page + 1, count\n",
        TESTS + "test_a_guard_page_is_one_as_long_as_its_stack_lives",
    ),
]
