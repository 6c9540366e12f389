"""Small faults around loaded code: who calls Python, what Ctrl-C ends, what a fault names, how files come in."""

CALLBACKS = "tests/memory/views/test_callbacks.py"
PLACES = "tests/faults/test_places.py"
FILES = "tests/boot/test_files_handed_over.py"

MUTANTS = [
    (
        "Ctrl-C ends nothing but emitted code",
        "port/faults/traps.c",
        "    if (!is_of_image(frame->rip) && why",
        "    if (!is_of_image(frame->rip) && frame->rip >= EMITTED_CODE_BASE && why",
        f"{CALLBACKS}::test_ctrl_c_ends_machine_code_wherever_it_is",
    ),
    (
        "a callback runs with the direction flag as careless code left it",
        "port/runtime/callback_enter.S",
        "    cld\n",
        "",
        f"{CALLBACKS}::test_registers_flags_and_stack_of_careless_code_do_no_harm",
    ),
    (
        "the sixth integer that machine code passes is lost",
        "port/runtime/callback_enter.S",
        "    mov %r9, 40(%rsp)\n",
        "",
        f"{CALLBACKS}::test_arguments_and_result_arrive_as_the_abi_says",
    ),
    (
        "floats begin right behind the integers that there are",
        "kernel/loader/callbacks.py",
        '        layout += "%dx" % (8 * (INTEGERS - len(integers)))',
        '        layout += ""',
        f"{CALLBACKS}::test_arguments_and_result_arrive_as_the_abi_says",
    ),
    (
        "arguments come in the order of the registers",
        "kernel/loader/callbacks.py",
        "    return layout, None if order == found else order\n",
        "    return layout, None\n",
        f"{CALLBACKS}::test_arguments_and_result_arrive_as_the_abi_says",
    ),
    (
        "a result that does not fit is cut off",
        "kernel/loader/callbacks.py",
        " or (rests is not None and value >> shift not in rests)",
        "",
        f"{CALLBACKS}::test_what_a_function_returns_must_be_what_the_signature_says",
    ),
    (
        "a released callback is called",
        "kernel/loader/callbacks.py",
        "        self._state[RUN] = DEAD\n\n    def __enter__",
        "        pass\n\n    def __enter__",
        f"{CALLBACKS}::test_a_callback_that_is_gone_refuses_by_name",
    ),
    (
        "all callbacks of a page have one address",
        "kernel/loader/callbacks.py",
        "address + THUNK_BYTES, self.left - 1",
        "address, self.left - 1",
        f"{CALLBACKS}::test_no_address_is_given_twice_and_all_pages_of_them_are_one_frame",
    ),
    (
        "machine code goes on under another page table",
        "kernel/loader/callbacks.py",
        "    if cpu.read_root_frame() != root:\n        raise TableSwitched(function)\n",
        "",
        f"{CALLBACKS}::test_a_callback_goes_back_under_the_page_table_that_it_came_under",
    ),
    (
        "a callback can release the code that called it",
        "port/views/borrows.c",
        "    view_require_idle(MP_OBJ_TO_PTR(self));\n",
        "",
        f"{CALLBACKS}::test_code_that_runs_stays_lent_until_it_is_back",
    ),
    (
        "a mapping ends by `with` below the code that runs",
        "port/views/_views.c",
        "        view_require_idle(view);\n",
        "",
        f"{CALLBACKS}::test_code_that_runs_stays_lent_until_it_is_back",
    ),
    (
        "code that an exception left stays lent for ever",
        "port/views/function.c",
        "    function->view.running--;\n    functions_running--;\n    nlr_jump",
        "    functions_running--;\n    nlr_jump",
        f"{CALLBACKS}::test_code_that_runs_stays_lent_until_it_is_back",
    ),
    (
        "a page fault in loaded code does not say where it was",
        "kernel/faults/views.py",
        '        parts += "by ", repr(place), "; "\n',
        "        pass\n",
        f"{PLACES}::test_a_fault_names_object_section_symbol_and_offset",
    ),
    (
        "what was loaded later is blamed",
        "port/faults/trap_reports.c",
        "    record->time = tsc_read();\n",
        "    record->time = UINT64_MAX >> 2;\n",
        f"{PLACES}::test_what_is_loaded_later_at_the_same_place_is_not_blamed",
    ),
    (
        "of several boot modules under PVH the list is handed over as one name",
        "tools/machine.py",
        '["-initrd", escaped(self.modules[0])] if len(self.modules) == 1 else []',
        '["-initrd", ",".join(map(str, self.modules))] if self.modules else []',
        f"{FILES}::test_several_boot_modules_under_pvh_are_files_with_names",
    ),
    (
        "the frames that a file of QEMU's is read through are kept",
        "kernel/loader/firmware.py",
        "    with allocate_frames_by_bytes(head + size) as frames:\n",
        "    PREFIXES = globals().setdefault('kept', [])\n    PREFIXES.append(allocate_frames_by_bytes(head + size))\n"
        "    for frames in PREFIXES[-1:]:\n",
        f"{FILES}::test_what_qemu_hands_over_is_there_byte_for_byte",
    ),
    (
        "of two boot modules of one name the second hides the first",
        "kernel/loader/boot_files.py",
        "        while unique in names:\n",
        "        while False:\n",
        f"{FILES}::test_boot_modules_of_grub_and_files_of_qemu_are_side_by_side",
    ),
    (
        "what only looks like a file system ends the boot",
        "kernel/loader/disks.py",
        "        except (KernelError, MemoryError, OSError) as error:\n            failed",
        "        except KernelError as error:\n            failed",
        f"{FILES}::test_a_file_that_is_no_file_system_after_all_does_not_stop_the_boot",
    ),
    (
        "two files of one name are handed over, of which one is found",
        "tools/machine.py",
        "        if path.name in seen:\n",
        "        if False:\n",
        f"{FILES}::test_what_can_not_be_handed_over_is_refused_in_one_line",
    ),
]
