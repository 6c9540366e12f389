"""Small faults in what hostile calls run into: alignments, views that end, doors, errors that name arguments."""

ALIGNMENT = "tests/attacks/test_alignment_arithmetic.py"
LIVENESS = "tests/attacks/test_liveness_is_checked_last.py"
DOORS = "tests/attacks/test_doors.py"
NAMES = "tests/attacks/test_malformed_calls.py"

MUTANTS = [
    (
        "the alignment of a long run is multiplied beyond all numbers",
        "kernel/memory/allocators/anywhere.py",
        "alignment < both < MOST",
        "alignment < both",
        f"{ALIGNMENT}::test_what_is_given_is_aligned_as_wished_or_nothing_is",
    ),
    (
        "two wishes may come to an alignment that no number has",
        "kernel/memory/allocators/requests.py",
        "if not 1 <= alignment < MOST:",
        "if not 1 <= alignment:",
        f"{ALIGNMENT}::test_two_wishes_that_no_number_can_fulfil_are_refused",
    ),
    (
        "a page number that a word would cut off is looked up",
        "kernel/memory/mappings/mapper.py",
        "        mapping.check_run(page, 1)\n",
        "",
        f"{ALIGNMENT}::test_no_number_is_cut_off_on_its_way_into_machine_code",
    ),
    (
        "a view is not asked again after an index was converted",
        "port/views/slice.c",
        "        view_require(view);     // that may have run Python\n",
        "",
        f"{LIVENESS}::test_a_conversion_that_ends_the_view_reaches_nobody_else",
    ),
    (
        "a copy goes on when a fault handler has ended its view",
        "port/views/slice.c",
        "        view_require(view);\n        memcpy(into_view",
        "        memcpy(into_view",
        f"{LIVENESS}::test_a_fault_handler_that_ends_the_view_amid_a_copy_reaches_nobody_else",
    ),
    (
        "the slot of the free functions can be filled again",
        "kernel/memory/system.py",
        '    if type(_system) is not _Nothing:\n        raise AlreadyInitialized("memory")\n    _system = system\n',
        "    _system = system\n",
        f"{DOORS}::test_what_is_made_once_is_not_made_again",
    ),
    (
        "a handler that somebody made cancels another's",
        "kernel/faults/handlers.py",
        "        if self in _slots:\n",
        "        if slot in range(len(_slots)):\n",
        f"{DOORS}::test_a_handler_that_somebody_made_himself_cancels_nobody_elses",
    ),
    (
        "a device is read through shared frames",
        "kernel/memory/mappings/mapped_pages.py",
        "if record.kind == DEVICE or (shared is not None and shared._device):",
        "if record.kind == DEVICE:",
        f"{DOORS}::test_a_copy_neither_inherits_an_override_nor_reads_a_device",
    ),
    (
        "what a function takes by default is blamed",
        "port/runtime/arguments.c",
        "argument == frame->fun_bc->extra_args[after_required]",
        "false",
        f"{NAMES}::test_an_error_of_the_insides_names_the_argument",
    ),
    (
        "a Ctrl-C that waited takes the new fault handler from its user",
        "kernel/faults/handlers.py",
        "        for _ in range(2):  # a Ctrl-C that waited comes here\n            pass\n",
        "",
        "tests/attacks/test_doors.py::test_an_on_fault_that_raises_has_registered_nothing",
    ),
]
