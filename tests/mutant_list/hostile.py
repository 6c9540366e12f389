"""Small faults in what hostile calls run into: alignments, views that end, doors, errors that name arguments."""

ALIGNMENT = "tests/attacks/test_alignment_arithmetic.py"
LIVENESS = "tests/attacks/test_liveness_is_checked_last.py"
DOORS = "tests/attacks/test_doors.py"
ENDS = "tests/attacks/test_ends_need_no_memory.py"
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
        "port/views/copying.c",
        "        view_require(view);\n        copying_move(view, into_view",
        "        copying_move(view, into_view",
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
        "        return made  # in here: a Ctrl-C that waited comes when the caller has it\n    finally:\n"
        "        critical.leave()\n",
        "    finally:\n        critical.leave()\n    for _ in range(2):\n        pass\n    return made\n",
        "tests/attacks/test_doors.py::test_an_on_fault_that_raises_has_registered_nothing",
    ),
    (
        "a method of another class is not to blame for the object that it was given",
        "port/runtime/arguments.c",
        "bool is_meant = is_self || (is_first",
        "bool is_meant = (is_self && false) || (is_first",
        f"{NAMES}::test_an_error_of_the_insides_names_the_argument",
    ),
    (
        "super() takes any object for one of its class",
        "port/quick/names.c",
        "if (!mp_obj_is_subclass_fast(is_class ?",
        "if (false && !mp_obj_is_subclass_fast(is_class ?",
        f"{NAMES}::test_an_error_of_the_insides_names_the_argument",
    ),
    (
        "a method with super() in it takes any object for its own",
        "port/runtime/arguments.c",
        "called->class != MP_OBJ_NULL ? mp_obj_is_subclass_fast(type, called->class)",
        "called->class != MP_OBJ_NULL ? type != MP_OBJ_NULL",
        f"{NAMES}::test_an_error_of_the_insides_names_the_argument",
    ),
    (
        "what is no table begins a mapping, and holds the guard",
        "kernel/memory/mappings/creating.py",
        "        tree = self._page_tree  # what is no table fails here, with nothing begun\n"
        "        record = begin(count)\n",
        "        record = begin(count)\n        tree = self._page_tree\n",
        f"{NAMES}::test_an_error_of_the_insides_names_the_argument",
    ),
    (
        "a section is made of anything that has a size",
        "kernel/memory/views/loaded_section.py",
        'if not hasattr(mapped_pages, "into_borrowed"):',
        'if not hasattr(mapped_pages, "size_in_bytes"):',
        f"{NAMES}::test_an_error_of_the_insides_names_the_argument",
    ),
    (
        "attributes of what the kernel goes by can be set",
        "kernel/memory/system.py",
        "        seal(type(one))  # the kernel goes by their attributes\n",
        "        pass\n",
        "tests/attacks/test_stores.py",
    ),
    (
        "what a borrowed struct is made of can be deleted",
        "kernel/memory/views/borrowed.py",
        "        raise AttributeError(\"'BorrowedMappedPages' object: attribute '%s' can't be deleted\" % name)\n",
        "        object.__delattr__(self, name)\n",
        "tests/attacks/test_stores.py::test_the_field_of_a_borrowed_struct_can_be_set_and_what_it_is_made_of_stays",
    ),
    (
        "a field's view is not asked again after its value was converted",
        "port/views/overlay.c",
        "        view_require(view);     // that may have run Python\n        element_store(",
        "        element_store(",
        f"{LIVENESS}::test_a_fields_value_that_ends_the_view_reaches_nobody_else",
    ),
    (
        "Ctrl-C in the middle of cancel() leaves the handler for ever",
        "kernel/faults/handlers.py",
        "        critical.enter()\n        try:\n            slot, self._slot = self._slot, None\n"
        "            if self in",
        "        slot, self._slot = self._slot, None\n        _slots.index(self) in range(9) and critical.enter()\n"
        "        try:\n            if self in",
        f"'{ENDS}::test_an_end_is_whole_whatever_comes_in_between[interrupt-a handler]'",
    ),
    (
        "a tree of free runs stays busy when the stack ends amid a change",
        "kernel/memory/init.py",
        "    set_room(critical.require_room, critical.require_room_to_undo)\n",
        "",
        "tests/attacks/test_recursion_depth.py::"
        "test_a_tree_of_free_runs_that_has_to_be_balanced_is_not_left_half_changed",
    ),
    (
        "who finds no room to give back has nothing any more",
        "kernel/memory/allocators/owners.py",
        "        except BaseException:  # it has not begun\n            state[RUN] = run\n            raise\n",
        "        except BaseException:\n            raise\n",
        "tests/attacks/test_recursion_depth.py::test_who_finds_no_room_to_give_back_still_owns",
    ),
    (
        "the end of a handler's with statement wants memory",
        "kernel/faults/handlers.py",
        "def __exit__(self, kind, value, traceback):  # a *_ would",
        "def __exit__(self, *_):  # a *_ would",
        f"{ENDS}::test_an_end_in_a_with_statement_needs_no_memory",
    ),
    (
        "dropping a mapping whose tables go with it wants memory",
        "kernel/memory/mappings/unmapping.py",
        "ROOM_FOR_ONE_WAY[WHOLE] = NO_TABLES",
        "ROOM_FOR_ONE_WAY[:] = NO_TABLES",
        f"{ENDS}::test_an_end_is_whole_whatever_comes_in_between",
    ),
    (
        "a request that came to nothing stays among what is postponed",
        "kernel/memory/allocators/by_request.py",
        "        action = DeferredAllocAction(arena)\n",
        "        action = DeferredAllocAction(arena)\n        self._pending.append(action)\n",
        f"{ENDS}::test_a_request_that_fails_leaves_nothing_that_waits",
    ),
]
