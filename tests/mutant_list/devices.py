"""Small faults around devices: their memory, the bus, interrupts, and what is lent to them."""

VIEWS = "port/views/_views.c"
COPYING = "port/views/copying.c"
SLICE = "port/views/slice.c"
INTERRUPTS = "port/faults/_interrupts.c"
BARS = "kernel/devices/bars.py"
DMA = "kernel/devices/dma.py"
ACCESS = "tests/memory/views/test_device_memory.py"
PCI_TESTS = "tests/devices/test_pci.py"
INTERRUPT_TESTS = "tests/devices/test_interrupts.py"
DMA_TESTS = "tests/devices/test_dma.py"
BALLOON = "tests/devices/test_balloon.py"

MUTANTS = [
    (
        "device memory is copied as the processor likes",
        VIEWS,
        "record->kind == KIND_EXCLUSIVE || record->kind == KIND_SYSTEM",
        "true",
        f"{ACCESS}::test_slices_are_read_and_written_element_by_element",
    ),
    (
        "device memory that is shared counts as RAM",
        VIEWS,
        "record->kind == KIND_EXCLUSIVE || record->kind == KIND_SYSTEM",
        "record->kind != KIND_DEVICE",
        f"{ACCESS}::test_a_raw_buffer_of_a_device_is_refused_and_one_of_firmwares_ram_is_not",
    ),
    (
        "nobody is asked for a raw buffer of a device",
        SLICE,
        "    if (!view->lease->is_ram && !view->lease->exported) {\n",
        "    if (false) {\n",
        f"{ACCESS}::test_a_raw_buffer_of_a_device_is_refused_and_one_of_firmwares_ram_is_not",
    ),
    (
        "a device that is the source of a copy is read where it is written",
        COPYING,
        "    return view == NULL || view->lease->is_ram ? buffer->buf",
        "    return view == NULL || view->size > 0 ? buffer->buf",
        f"{ACCESS}::test_between_two_views_each_is_accessed_in_its_own_width",
    ),
    (
        "a device is read before the length is known to be right",
        COPYING,
        "    if (exactly ? elements.count != room : elements.count > room) {\n",
        "    copying_contents_of(view, source, &buffer);\n"
        "    if (exactly ? elements.count != room : elements.count > room) {\n",
        f"{ACCESS}::test_what_is_refused_has_read_and_written_nothing",
    ),
    (
        "hexdump reads devices by bytes",
        "kernel/diagnostics/memory_access.py",
        "            return REGISTER_BITS\n",
        "            return None\n",
        f"{ACCESS}::test_hexdump_and_peek_read_registers",
    ),
    (
        "picture shows as allocated where no RAM is, device or not",
        "kernel/diagnostics/census.py",
        "    for first, last in allocator.ram:\n",
        "    for first, last in [(0, pool.high)]:\n",
        "tests/shell/test_shown_memory.py::test_the_picture_shows_where_no_ram_is",
    ),
    (
        "the loader's records may be written, like a device",
        "kernel/memory/init.py",
        '    found += [(region, "the loader\'s information") for region in boot_info.loader_regions]\n',
        "",
        "tests/boot/test_read_only_frames.py",
    ),
    (
        "a BAR of a device stays as it was sized",
        BARS,
        "    function.write(at, 32, old)\n",
        "",
        f"{PCI_TESTS}::test_the_functions_and_their_bars_are_those_that_qemu_has",
    ),
    (
        "the BAR of a device lies where another one does",
        BARS,
        "                room = lists.without(room, [(place, last)])\n",
        "                pass\n",
        f"{PCI_TESTS}::test_the_functions_and_their_bars_are_those_that_qemu_has",
    ),
    (
        "a device does not answer where its BAR was claimed",
        BARS,
        "        self.function.answer_to(MEMORY)\n",
        "",
        f"{PCI_TESTS}::test_a_bar_is_claimed_once_and_again_when_its_mapping_is_gone",
    ),
    (
        "ACPI's word of devices is believed whatever its checksum says",
        "kernel/devices/acpi.py",
        "        if sum(table) & 0xFF == 0:\n",
        "        if True:\n",
        f"{PCI_TESTS}::test_a_table_of_acpis_that_was_damaged_is_named",
    ),
    (
        "of a device's interrupts that came together one is told",
        INTERRUPTS,
        "    waiting[vector - VECTOR_DEVICES]++;\n",
        "    waiting[vector - VECTOR_DEVICES] = 1;\n",
        f"{INTERRUPT_TESTS}::test_a_function_is_called_with_how_many_there_were",
    ),
    (
        "a device's interrupt that waited at a soft reset is the last",
        INTERRUPTS,
        "    memset(nodes, 0, sizeof nodes);\n",
        "",
        f"{INTERRUPT_TESTS}::test_a_soft_reset_clears_handlers_and_what_is_waiting",
    ),
    (
        "Ctrl-C is not heard while a device's handler runs",
        INTERRUPTS,
        "    running = true;\n",
        "",
        f"{INTERRUPT_TESTS}::test_ctrl_c_ends_an_endless_handler_and_whoever_was_interrupted",
    ),
    (
        "the local APIC is not told that a device's interrupt is over",
        "port/faults/interrupt_controllers.c",
        "    } else if (vector >= VECTOR_DEVICES) {\n",
        "    } else if (vector > VECTORS) {\n",
        f"{INTERRUPT_TESTS}::test_a_function_is_called_with_how_many_there_were",
    ),
    (
        "a device's interrupt amid a fault handler is forgotten",
        "port/faults/handlers.c",
        "mp_sched_num_pending() > 0 || MP_STATE_VM(sched_head) != NULL\n",
        "mp_sched_num_pending() > 0\n",
        f"{INTERRUPT_TESTS}::test_an_interrupt_amid_a_fault_handler_is_not_forgotten",
    ),
    (
        "what a device has goes with the end of a with statement",
        "kernel/memory/views/views.py",
        "            refuse_if_lent(lease, step)\n",
        "",
        f"{DMA_TESTS}::test_while_a_device_has_it_nobody_changes_it",
    ),
    (
        "a loan to a device is forgotten like a view",
        "kernel/memory/views/loans.py",
        "        _loans[id(self._view)] = self\n",
        "        _loans[id(self._view)] = None\n",
        f"{DMA_TESTS}::test_while_a_device_has_it_nobody_changes_it",
    ),
    (
        "a buffer may end above a device's limit",
        DMA,
        "                if address + length - 1 >> bits:\n",
        "                if address >> bits:\n",
        f"{DMA_TESTS}::test_a_buffer_above_the_devices_limit_is_refused_by_name",
    ),
    (
        "a transfer of a device may end one byte behind the end",
        DMA,
        " or offset + length > size:\n",
        " or offset + length > size + 1:\n",
        f"{DMA_TESTS}::test_what_is_no_ram_is_not_lent_and_a_transfer_stays_inside",
    ),
    (
        "a device goes on after Ctrl-C",
        "kernel/devices/edu.py",
        "                self.function.master(False)  # or it goes on with what is lent no more\n",
        "",
        f"{DMA_TESTS}::test_ctrl_c_stops_the_device_before_the_memory_is_given_back",
    ),
    (
        "devices go on after a soft reset",
        "port/main.c",
        "    bus_masters_stop();\n",
        "",
        f"{DMA_TESTS}::test_a_soft_reset_stops_devices_before_memory_is_handed_out_again",
    ),
    (
        "a balloon leaves the kernel no reserve",
        "kernel/devices/balloon.py",
        "statistics.free - self.reserve",
        "statistics.free",
        f"{BALLOON}::test_a_host_that_wants_all_gets_all_but_the_reserve_and_nothing_of_anybody_elses",
    ),
    (
        "the host is not told how many frames a balloon has",
        "kernel/devices/balloon.py",
        "self._configuration.held = held = self.held",
        "held = self.held",
        f"{BALLOON}::test_the_hosts_memory_falls_by_what_it_gets_and_sums_are_right_all_the_time",
    ),
    (
        "of frames for the host only the first request goes out",
        "kernel/devices/balloon.py",
        "range(first, end, AT_ONCE)",
        "range(first, first + 1, AT_ONCE)",
        f"{BALLOON}::test_the_hosts_memory_falls_by_what_it_gets_and_sums_are_right_all_the_time",
    ),
    (
        "a run in the balloon is given back whole",
        "kernel/devices/balloon.py",
        "if surplus > 0:",
        "if False:",
        f"{BALLOON}::test_the_hosts_memory_falls_by_what_it_gets_and_sums_are_right_all_the_time",
    ),
    (
        "what the device was told in vain stays in the balloon",
        "kernel/devices/balloon.py",
        "        except BaseException:\n            self._empty()\n",
        "        except BaseException:\n",
        f"{BALLOON}::test_what_goes_wrong_amid_frames_leaves_none_with_the_host",
    ),
    (
        "after a soft reset the host still believes to have frames",
        "kernel/devices/balloon.py",
        "        if self._buffer:\n            self._configuration.held = 0\n",
        "        if self._buffer:\n",
        f"{BALLOON}::test_a_soft_reset_frees_all_frames_and_the_host_knows",
    ),
    (
        "nobody calls what sys.atexit() was given",
        "port/main.c",
        "    if (MP_STATE_VM(sys_exitfunc) == mp_const_none) {\n",
        "    if (true) {\n",
        "tests/micropython/test_exit_function.py",
    ),
    (
        "for want of memory a buffer stays lent, and nobody has the loan",
        DMA,
        "        self.runs, self._loan = [], None  # a new attribute takes memory, and there may be none\n",
        "        self.runs = []\n",
        f"'{DMA_TESTS}::test_trouble_at_any_point_of_lending_lends_nothing[fail_allocation]'",
    ),
    (
        "Ctrl-C where a `try` ends leaves a buffer lent",
        DMA,
        "            return  # in here: a Ctrl-C also comes where a `try` ends\n",
        "",
        f"'{DMA_TESTS}::test_trouble_at_any_point_of_lending_lends_nothing[interrupt]'",
    ),
]
