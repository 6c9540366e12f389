"""Small faults in page faults and other traps."""

WALK = "port/faults/walk.c"
HANDLERS = "port/faults/handlers.c"
GATES = "port/faults/gates.c"
TRAPS = "port/faults/traps.c"
INSTRUCTIONS = "kernel/faults/instructions.py"

MUTANTS = [
    (
        "a trap may be raised while another one is",
        TRAPS,
        "    if (raising) {\n",
        "    if (false) {\n",
        "tests/faults/test_mechanism.py::test_a_trap_while_another_is_being_raised_is_a_panic",
    ),
    (
        "after a handler's answer SMAP does not count",
        WALK,
        "cr4_read() & CR4_SMAP && !(fault->flags & FLAGS_AC)",
        "false",
        "tests/faults/test_retries.py::test_a_retry_that_would_be_refused_is_not_tried",
    ),
    (
        "after a handler's answer a missing right to write does not count",
        WALK,
        "    if (code & CODE_WRITE && !(every & ENTRY_WRITABLE)",
        "    if (false && !(every & ENTRY_WRITABLE)",
        "tests/faults/test_retries.py::test_a_retry_that_would_be_refused_is_not_tried",
    ),
    (
        "after a handler's answer NO_EXECUTE does not count",
        WALK,
        "(code & CODE_FETCH && some & ENTRY_NO_EXECUTE)",
        "false",
        "tests/faults/test_retries.py::test_a_retry_that_would_be_refused_is_not_tried",
    ),
    (
        "the snapshot of a fault follows a table where there is no RAM",
        WALK,
        "        if (table >= window_bytes) {\n            return;\n        }\n",
        "",
        "tests/faults/test_typed.py::test_the_line_says_what_and_why_and_what_to_do",
    ),
    (
        "a raised fault takes no note of the mapping that it was in",
        TRAPS,
        "    if (frame->vector == VECTOR_PAGE_FAULT) {\n        trap_record_note_mapping(record);\n",
        "    if (false) {\n        trap_record_note_mapping(record);\n",
        "tests/faults/test_typed.py::test_a_fault_goes_on_naming_the_mapping_that_was_there",
    ),
    (
        "a handler's fault takes no note of the mapping that it was in",
        TRAPS,
        "    if (record.entries[record.level_last] != 0) {\n",
        "    if (false) {\n",
        "tests/faults/test_typed.py::test_a_handlers_fault_goes_on_naming_the_mapping_that_was_there",
    ),
    (
        "the decoder ignores REX.X",
        INSTRUCTIONS,
        " | (rex & 2) << 2",
        "",
        "tests/faults/test_instructions.py",
    ),
    (
        "the decoder ignores REX.B",
        INSTRUCTIONS,
        "registers[base | (rex & 1) << 3]",
        "registers[base]",
        "tests/faults/test_instructions.py",
    ),
    (
        "the decoder ignores the scale",
        INSTRUCTIONS,
        "registers[index] << scale",
        "registers[index]",
        "tests/faults/test_instructions.py",
    ),
    (
        "a short displacement has no sign",
        INSTRUCTIONS,
        '"<b" if length == 1',
        '"<B" if length == 1',
        "tests/faults/test_instructions.py",
    ),
    (
        "a handler is asked about its own faults",
        HANDLERS,
        "fault_ranges[index].busy || ",
        "",
        "tests/faults/test_handlers.py::test_a_handler_that_faults_in_its_own_range_gets_the_fault",
    ),
    (
        "the last address of a range is not its handler's",
        HANDLERS,
        "address <= fault_ranges[i].last",
        "address < fault_ranges[i].last",
        "tests/faults/test_retries.py::test_the_first_and_the_last_byte_of_a_range_are_its_handlers",
    ),
    (
        "an instruction may be tried again for ever",
        HANDLERS,
        "    if (++retried.times >= RETRIES_MAX) {\n",
        "    if (false) {\n",
        "tests/faults/test_handlers.py::test_pages_that_take_each_others_frame_end_in_the_fault",
    ),
    (
        "callbacks of others run inside of a handler",
        HANDLERS,
        "    mp_sched_lock();\n",
        "",
        "tests/faults/test_handlers.py::test_callbacks_of_others_wait_for_the_handler",
    ),
    (
        "ring 3 can call every exception",
        GATES,
        "(vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 0)",
        "GATE_RING_3",
        "tests/shell/test_shown_paging.py::test_each_gate_is_shown_as_it_lies_in_ram",
    ),
    (
        "ring 3 can't call the breakpoint",
        GATES,
        "(vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 0)",
        "0",
        "tests/shell/test_shown_paging.py::test_each_gate_is_shown_as_it_lies_in_ram",
    ),
    (
        "a fault in the collector is raised",
        TRAPS,
        "    if (collector_is_running) {\n",
        "    if (false) {\n",
        "tests/faults/test_mechanism.py::test_a_fault_in_the_collector_is_a_panic",
    ),
    (
        "the working set of the next look has bits of this one",
        "kernel/faults/working_set.py",
        "        tlb.flush_all()\n",
        "        pass\n",
        "tests/faults/test_handlers.py::test_the_working_set_is_what_was_touched_since_the_last_look",
    ),
    (
        "a fault blames the page where a table forbids",
        "kernel/faults/reasons.py",
        "            if concerned and word & bit != wanted:\n",
        "            if concerned and word & bit != wanted and level == 1:\n",
        "tests/faults/test_typed.py::test_the_line_says_what_and_why_and_what_to_do",
    ),
]
