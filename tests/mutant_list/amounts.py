"""From 14 MiB to terabytes: what follows runs, what grows, and what is refused."""

ALLOCATORS, AUDIT, RUNS = "kernel/memory/allocators/", "kernel/memory/audit/", "kernel/memory/runs/"
AMOUNTS, GROWTH = "tests/boot/test_amounts_of_ram.py", "tests/memory/allocators/test_growth.py"
SETTINGS = "tests/tools/test_settings.py"
MACHINE = "tools/machine.py"

MUTANTS = [
    (
        "the limit of a tree wraps where a reference does",
        RUNS + "tree.py",
        "    if size_in_bytes > REACH:\n        size_in_bytes = REACH\n",
        "",
        GROWTH + "::test_a_tree_uses_no_memory_that_its_references_do_not_reach",
    ),
    (
        "a tree takes memory that its references don't reach",
        RUNS + "tree.py",
        " or end > REACH:",
        ":",
        GROWTH + "::test_a_tree_uses_no_memory_that_its_references_do_not_reach",
    ),
    (
        "growth loses the last node",
        RUNS + "tree.py",
        "    while ref + NODE_BYTES <= end:\n",
        "    while ref + NODE_BYTES < end:\n",
        GROWTH + "::test_nodes_of_later_memory_are_used_up_to_the_last",
    ),
    (
        "growth forgets the nodes that were spare",
        RUNS + "tree.py",
        "        ptr32(tree + ref)[_NEXT] = nil[_SPARE]\n",
        "        ptr32(tree + ref)[_NEXT] = 0\n",
        GROWTH + "::test_nodes_of_later_memory_are_used_up_to_the_last",
    ),
    (
        "an allocator doesn't grow for a run at a place",
        ALLOCATORS + "at_place.py",
        "        if run == TOO_MANY and arena.grow():\n",
        "        if False:\n",
        GROWTH + "::test_each_call_grows_or_is_refused_with_nothing_changed",
    ),
    (
        "splitting an owner doesn't make the books grow",
        ALLOCATORS + "owners.py",
        "            if not arena.grow():\n",
        "            if True:\n",
        GROWTH + "::test_each_call_grows_or_is_refused_with_nothing_changed",
    ),
    (
        "the pool allows more owners than it has nodes for",
        ALLOCATORS + "arenas.py",
        "        if self._nodes < self._enough:\n            limit_owners(self.tree)\n",
        "",
        AMOUNTS + "::test_growing_books_hold_whatever_is_owned_and_come_back_together",
    ),
    (
        "what could not be taken looks like frame 0 that was lent",
        "port/ledger/_finaliser.c",
        "enum { LENT = -16 };",
        "enum { LENT = -2 };",
        AMOUNTS + "::test_growing_books_hold_whatever_is_owned_and_come_back_together",
    ),
    (
        "the books have a node for every second frame from the beginning",
        ALLOCATORS + "boot_plan.py",
        "bytes_for(min(self.most_runs(), RUNS_AT_BOOT + len(self.usable)))",
        "bytes_for(self.most_runs())",
        AMOUNTS + "::test_terabytes_boot_and_are_audited_by_runs_and_not_by_frames",
    ),
    (
        "the audit doesn't use the leaves that it has grown by",
        AUDIT + "frame_map.py",
        "restart(self.map, self.frames, self._leaves, len(self._leaves))",
        "restart(self.map, self.frames, self._leaves, LEAVES_AT_BOOT)",
        AMOUNTS + "::test_an_audit_grows_its_map_once_and_says_so_when_it_can_not",
    ),
    (
        "an audit whose map is used up does not begin anew",
        AUDIT + "auditing.py",
        "                kernel.frame_map.grow()\n",
        "                raise\n",
        AMOUNTS + "::test_an_audit_grows_its_map_once_and_says_so_when_it_can_not",
    ),
    (
        "the audit forgets the last run of tables that it took at once",
        AUDIT + "claims.py",
        "    return (done << 9) - _ENTRIES + taken\n",
        "    return done << 9\n",
        "tests/memory/audit/test_claims.py::test_the_way_to_whole_tables_forbids_as_that_to_a_leaf_does",
    ),
    (
        "frames far above have no marks of page tables that are linked",
        "kernel/paging/frame_allocators.py",
        "        prepare_tables([(first, size)])\n",
        "",
        AMOUNTS + "::test_what_lies_at_the_end_of_terabytes_is_owned_mapped_and_audited_like_all_else",
    ),
    (
        "a hole is drawn as RAM",
        "kernel/diagnostics/census.py",
        '    yield Stretch(0, pool.high, NO_RAM, "no RAM")\n',
        '    yield Stretch(0, pool.high, TAKEN, "no RAM")\n',
        AMOUNTS + "::test_their_numbers_fit_the_screen_and_holes_are_no_ram",
    ),
    (
        "the width of addresses is not told",
        MACHINE,
        "    return max(USUAL_PHYSICAL_BITS, (end + PCI_HOLE - 1).bit_length())\n",
        "    return USUAL_PHYSICAL_BITS\n",
        SETTINGS + "::test_addresses_are_as_wide_as_ram_needs",
    ),
    (
        "terabytes are to be the host's at once",
        MACHINE,
        "memory-backend-ram,id=ram,size={self.memory},reserve=off",
        "memory-backend-ram,id=ram,size={self.memory}",
        SETTINGS + "::test_much_ram_is_taken_from_the_host_as_it_is_touched",
    ),
    (
        "a limit on addresses is left to QEMU to find",
        "tools/settings.py",
        "    if limit != resource.RLIM_INFINITY and size >= limit:\n",
        "    if False:\n",
        SETTINGS + "::test_a_limit_on_addresses_is_one_line",
    ),
    (
        "the first heap is as large on a small machine",
        "port/boot/tables.c",
        "(left / 2 < PYTHON_HEAP_BYTES ? left / 2 : PYTHON_HEAP_BYTES)",
        "PYTHON_HEAP_BYTES",
        AMOUNTS + "::test_14_mib_are_enough_for_the_prompt_an_audit_the_tour_and_mappings",
    ),
    (
        "too little RAM is found out when there is no stack any more",
        "boot/kernel.ld",
        "        *(.bss.stacks)\n",
        "",
        AMOUNTS + "::test_what_is_too_small_says_so_however_small",
    ),
    (
        "Python's heap may be overwritten through the window",
        "kernel/memory/init.py",
        "lists.normal([(first, end - 1), heap_frames(boot_info)])",
        "[(first, end - 1)]",
        "tests/boot/test_clean_table.py::test_the_window_shows_all_memory_and_the_image_read_only",
    ),
]
