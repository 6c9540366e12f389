"""Small faults in what the machine does for who sits at it: the serial line, files, commands."""

UART = "port/console/uart.c"
INTERRUPT = "tests/shell/test_interrupt.py"

MUTANTS = [
    (
        "nobody looks for a Ctrl-C behind what the line holds up",
        "port/console/typed_ahead.c",
        "now_ms - since_ms >= CLAIM_MS",
        "false",
        INTERRUPT + "::test_ctrl_c_is_seen_behind_whatever_was_typed_ahead",
    ),
    (
        "half a line stays when what follows is dropped",
        UART,
        "        dropped += ring_in - end;\n        ring_in = end;\n",
        "",
        INTERRUPT + "::test_what_does_not_fit_is_dropped_by_whole_lines",
    ),
    (
        "nobody counts what a Ctrl-C takes along",
        UART,
        "    dropped += place - ring_out;\n",
        "",
        INTERRUPT + "::test_ctrl_c_is_seen_behind_whatever_was_typed_ahead",
    ),
    (
        "who looks for a Ctrl-C never takes a letter again",
        UART,
        "            line = FLOWING;\n        }\n        if (line",
        "        }\n        if (line",
        INTERRUPT + "::test_what_does_not_fit_is_dropped_by_whole_lines",
    ),
    (
        "a layout's count may be what a type leaves of it",
        "kernel/memory/views/layouts.py",
        "    if count == 0 or (len(value) == 3 and type_number != 0):",
        "    if False:",
        "tests/memory/views/test_access.py::test_a_number_that_does_not_fit_is_refused_with_its_field",
    ),
    (
        "the disk allocates, which the collector can't when it closes a file",
        "kernel/loader/disks.py",
        "        _copy(self._memory, self._start(block, buffer, offset), buffer, 0, len(buffer))\n",
        "        start = self._start(block, buffer, offset)\n"
        "        self._memory[start : start + len(buffer)] = buffer\n",
        "tests/shell/test_files.py::test_what_was_written_to_a_forgotten_file_is_there_when_it_is_collected",
    ),
    (
        "a block behind the end of a disk is written",
        "kernel/loader/disks.py",
        "        if not 0 <= start <= start + len(buffer) <= len(self._memory):\n",
        "        if False:\n",
        "tests/shell/test_files.py::test_a_block_that_is_not_on_the_disk_is_refused",
    ),
    (
        "where there is no exit port the machine halts without a word",
        "port/hardware/machine.c",
        "    uart_send(line, length);\n",
        "    (void)length;\n",
        "tests/boot/test_exit_statuses.py::test_where_there_is_no_exit_port_exit_halts_and_says_so",
    ),
    (
        "a bench row undoes nothing when it fails",
        "kernel/diagnostics/bench.py",
        "            finally:\n                _undo_all()\n",
        "            except KeyboardInterrupt:\n                _undo_all()\n",
        "tests/costs/test_bench_undo.py::test_a_row_that_fails_leaves_nothing",
    ),
    (
        "the pages that a bench row mapped by hand stay",
        "kernel/diagnostics/bench_faults.py",
        "        undo(clear_away, self.mapper, first, count, self.tables)\n",
        "",
        "tests/costs/test_bench_undo.py::test_rows_at_the_prompt",
    ),
    (
        "poke into a live table never owes a flush",
        "kernel/diagnostics/live_entries.py",
        "        if not before.is_present:\n",
        "        if True:\n",
        "tests/shell/test_live_entries.py::test_poke_into_a_leaf_says_what_it_was_and_is_and_what_is_owed",
    ),
    (
        "poke knows the tables of the active root only",
        "kernel/diagnostics/live_entries.py",
        '            roots.append(field(index, "root"))\n',
        "            pass\n",
        "tests/shell/test_live_entries.py::test_poke_into_a_table_of_another_root_is_known_too",
    ),
    (
        "stale does not look at what the page holds",
        "kernel/diagnostics/stale.py",
        "        if word >= 0:\n",
        "        if False:\n",
        "tests/shell/test_live_entries.py::test_what_the_tlb_should_have_forgotten_is_stale",
    ),
    (
        "stale does not try to write",
        "kernel/diagnostics/stale.py",
        "        if not self.view.rights & WRITABLE and ",
        "        if False and ",
        "tests/shell/test_live_entries.py::test_what_the_tlb_should_have_forgotten_is_stale",
    ),
    (
        "`flush ADDRESS` flushes nothing",
        "kernel/shell/paging_commands.py",
        "    tlb.flush(address)\n",
        "",
        "tests/shell/test_live_entries.py::test_what_the_tlb_should_have_forgotten_is_stale",
    ),
]
