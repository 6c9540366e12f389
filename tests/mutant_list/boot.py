"""Small faults in the table that the kernel boots onto."""

TABLES = "kernel/memory/mappings/page_table.py"
INIT = "kernel/memory/init.py"

MUTANTS = [
    (
        "the parent of a window page is left executable",
        TABLES,
        "word = 0b11 if is_executable_entry(index) else RECURSIVE_WORD",
        "word = 0b11",
        "tests/boot/test_clean_table.py::test_window_recursive_slot_and_technique_slots_cannot_execute",
    ),
    (
        "the image stays writable in the window",
        INIT,
        '(first, end, "r--")',
        '(first, end, "rw-")',
        "tests/boot/test_clean_table.py::test_the_image_cannot_be_written_through_the_window",
    ),
    (
        "memory can be initialised again once the slot of the free functions is empty",
        "kernel/memory/system.py",
        "    if Protection.live is not None:",
        "    if type(_system) is not _Nothing:",
        "tests/attacks/test_cr3.py::test_memory_is_initialised_once_though_the_slot_is_empty",
    ),
    (
        "the heap of a booted kernel can be set up again",
        "kernel/memory/system.py",
        " or Keeper.live is not None:",
        ":",
        "tests/attacks/test_cr3.py::test_memory_is_initialised_once_though_the_slot_is_empty",
    ),
    (
        "the identity mapping is not dropped",
        INIT,
        "            entries.clear(entry_in_window(self._page_table.root, 0), 1)\n",
        "",
        "tests/boot/test_clean_table.py::test_page_0_and_the_identity_mappings_are_gone",
    ),
    (
        "a guard page is mapped",
        INIT,
        "            first = guard + 1\n",
        "            first = guard\n",
        "tests/boot/test_clean_table.py::test_the_guard_page_of_the_kernel_stack_faults",
    ),
    (
        "emitted code stays writable where it is linked",
        "port/boot/_boot.c",
        'new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "r--")',
        'new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "rw-")',
        "tests/boot/test_clean_table.py::test_no_address_is_writable_and_executable_and_no_alias_makes_it_so",
    ),
    (
        "CR0.NE is not set, so an error of the x87 is an interrupt of the PICs",
        "boot/long_mode.S",
        "or $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE)",
        "or $(CR0_PG | CR0_WP | CR0_MP | CR0_PE)",
        "tests/boot/test_paths.py::test_the_control_registers_are_the_same_on_every_way",
    ),
    (
        "CR0.WP is not set, so the kernel writes what is read-only",
        "boot/long_mode.S",
        "or $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE)",
        "or $(CR0_PG | CR0_NE | CR0_MP | CR0_PE)",
        "tests/boot/test_paths.py::test_the_control_registers_are_the_same_on_every_way",
    ),
    (
        "a region of the memory map that wraps around ends where it begins",
        "port/boot/info.c",
        "uint64_t end = start + length < start ? UINT64_MAX : start + length;",
        "uint64_t end = start + length;",
        "tests/boot/test_odd_handover.py::test_a_region_that_wraps_around_ends_with_the_last_address",
    ),
    (
        "the first frames are taken out of a boot module",
        "port/boot/early_frames.c",
        "        if (overlaps(&module, start, end)) {\n",
        "        if (false && overlaps(&module, start, end)) {\n",
        "tests/boot/test_odd_handover.py::test_no_early_frame_lies_in_a_module",
    ),
    (
        "the first frames are taken out of what the loader left",
        "port/boot/early_frames.c",
        "        if (overlaps(&boot_info.reserved[i], start, end)) {\n",
        "        if (false && overlaps(&boot_info.reserved[i], start, end)) {\n",
        "tests/boot/test_odd_handover.py::test_no_early_frame_lies_in_what_the_loader_left",
    ),
    (
        "a framebuffer above 4 GiB is not in the window",
        "port/boot/tables.c",
        "    if (boot_info.framebuffer.address >= top) {\n",
        "    if (false) {\n",
        "tests/boot/test_odd_handover.py::test_a_framebuffer_above_four_gib_is_in_the_window",
    ),
    (
        "of the modules of PVH only the first is taken",
        "port/boot/info.c",
        "i < info->modules_count; i++",
        "i < info->modules_count && i < 1; i++",
        "tests/boot/test_odd_handover.py::test_every_module_of_pvh_arrives_in_order",
    ),
    (
        "of the modules of multiboot2 the name is lost",
        "port/boot/info.c",
        "add_module(module->start, module->end, module->name);",
        'add_module(module->start, module->end, "");',
        "tests/boot/test_odd_handover.py::test_every_module_of_multiboot2_arrives_in_order",
    ),
    (
        "a soft reset stays on the last root",
        "port/boot/tables.c",
        "    cr3_write(boot_tables_root);\n",
        "    if (cr3_read() == 0) cr3_write(boot_tables_root);\n",
        "tests/shell/test_micropython_tools.py::test_a_soft_reset_goes_back_to_the_boot_tables",
    ),
]
