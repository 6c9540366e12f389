"""Small faults in who may free a table and change what the kernel runs on, in flushes, and in the five techniques."""

CLEANING = "kernel/paging/cleaning.py"
PROTECTION = "kernel/paging/protection.py"
MAPPER = "kernel/paging/mapper.py"
TLB = "kernel/paging/tlb.py"
SESSIONS = "kernel/paging/sessions.py"
TECHNIQUES = "kernel/paging/techniques.py"
INSTALLATIONS = "kernel/paging/installations.py"
FRAME_ALLOCATORS = "kernel/paging/frame_allocators.py"

MUTANTS = [
    (
        "clean_up asks only the first page whether the CPU may remember its way",
        CLEANING,
        "mapper.ledger_for(first) or mapper.ledger_for(last)",
        "mapper.ledger_for(first)",
        "tests/attacks/test_inactive_roots.py::test_cleaning_up_what_all_roots_share_is_flushed_whichever_root_it_was_done_through",
    ),
    (
        "tables are freed without a flush",
        CLEANING,
        "            if count and ledger is not None:\n",
        "            if False:\n",
        "tests/paging/test_flush.py::test_the_frames_of_tables_go_back_only_after_the_flush",
    ),
    (
        "a deallocator that refuses one run of tables gets no other",
        CLEANING,
        "            failure = failure or error\n",
        "            raise\n",
        "tests/paging/test_ranges.py::test_a_deallocator_that_fails_loses_at_most_the_frame_it_was_given",
    ),
    (
        "the paging layer frees the tables of owned mappings",
        CLEANING,
        "(exclusive == _ANYBODYS or high & _HIGH_EXCLUSIVE == exclusive)",
        "True",
        "tests/attacks/test_frames_of_others.py::test_cleaning_up_frees_no_table_of_an_owned_mapping",
    ),
    (
        "clean_up goes into the tables of techniques",
        CLEANING,
        "    for index in BORROWED_ENTRIES:\n",
        "    for index in ():\n",
        "tests/attacks/test_techniques_leave.py::test_cleaning_up_leaves_the_tables_that_a_technique_shows",
    ),
    (
        "under the identity mapping the kernel is not recognised",
        PROTECTION,
        "in_kernel = self.page_in_kernel(page, table)",
        "in_kernel = page",
        "tests/paging/test_techniques.py::test_the_identity_mapping_itself_is_not_for_mapping",
    ),
    (
        "Python's grown heap can be unmapped",
        PROTECTION,
        "        for first, pages in self.areas():\n            if page <",
        "        for first, pages in ():\n            if page <",
        "tests/attacks/test_kernel_in_use.py::test_it_is_refused_by_every_mapper[unmap_range]",
    ),
    (
        "a range that only ends in the kernel is let through",
        PROTECTION,
        "        if page <= end and last >= (",
        "        if page <= end and page >= (",
        "tests/paging/test_refusals.py::test_a_range_that_only_touches_the_kernel_is_refused",
    ),
    (
        "a root may have other rights for the kernel's half",
        PROTECTION,
        "            if (entries.word(table + at) ^ entries.word(own + at)) & ~MARKS:\n                return False\n",
        "",
        "tests/attacks/test_cr3.py::test_a_root_whose_upper_half_is_not_the_kernels_is_refused",
    ),
    (
        "entries of the tables that show the image in the window can be changed",
        PROTECTION,
        "        for frames in self.image_frames, self.heap_frames:\n",
        "        for frames in ():\n",
        "tests/attacks/test_kernel_in_use.py::test_tables_of_the_window_are_protected_by_the_entry_objects_too",
    ),
    (
        "any frame can be made the root",
        TLB,
        "            Protection.live.require_root(frame.number)\n",
        "            pass\n",
        "tests/attacks/test_cr3.py::test_a_frame_that_is_no_root_is_refused",
    ),
    (
        "another root leaves GLOBAL translations of the lower half",
        TLB,
        "        if changes:\n            cpu.flush_global()\n",
        "        if changes:\n",
        "tests/attacks/test_global_lower_half.py::test_the_wish_is_refused_or_the_switch_forgets",
    ),
    (
        "flushes of the paging layer are not told to others",
        TLB,
        "            for page, count, _ in spans:\n                self.broadcast(page, count)\n",
        "            pass\n",
        "tests/attacks/test_callbacks_may_map.py::test_the_paging_layers_own_flushes_call_the_shootdown_callback",
    ),
    (
        "a flush of everything is not told to others",
        TLB,
        "            for page, count in in_halves(*pages):\n",
        "            for page, count in ():\n",
        "tests/attacks/test_inactive_roots.py::test_cleaning_up_what_all_roots_share_is_flushed_whichever_root_it_was_done_through",
    ),
    (
        "a changed table leaves GLOBAL pages below it cached",
        TLB,
        "    _with_global = True\n",
        "    _with_global = False\n",
        "tests/paging/test_flush.py::test_each_act_costs_the_invalidations_it_must_and_no_more",
    ),
    (
        "what all roots share needs no flush when it is changed through another root",
        MAPPER,
        "        if access.shared_table(page):\n            return self.ledger if",
        "        if False:\n            return self.ledger if",
        "tests/attacks/test_inactive_roots.py::test_a_change_of_a_shared_page_through_another_root_needs_a_flush",
    ),
    (
        "a flush through another root is owed to nobody who knows",
        MAPPER,
        "return self.ledger if FlushLedger.live is None else FlushLedger.live\n",
        "return self.ledger\n",
        "tests/attacks/test_inactive_roots.py::test_a_flush_that_is_owed_through_another_root_is_a_finding",
    ),
    (
        "a page of the kernel can be unmapped where the identity mapping shows it",
        MAPPER,
        "        if number >= UPPER_HALF_FIRST_PAGE or shared_table(facts, see, number):\n",
        "        if number >= UPPER_HALF_FIRST_PAGE:\n",
        "tests/attacks/test_kernel_in_use.py::test_under_an_entry_that_was_lent_the_kernels_table_it_is_the_kernel",
    ),
    (
        "a technique that leaves takes nothing along",
        SESSIONS,
        "                self._use.give_up()\n        finally:",
        "                pass\n        finally:",
        "tests/paging/test_techniques.py::test_choosing_and_leaving_a_technique_changes_nothing_that_stays",
    ),
    (
        "a temporary slot goes on showing the last table",
        TECHNIQUES,
        "            if self._shown[level] >= 0:\n                cpu.invlpg(",
        "            if False:\n                cpu.invlpg(",
        "tests/paging/test_techniques.py::test_all_five_give_the_same_answers_and_tables_on_the_live_ones",
    ),
    (
        "the recursive technique links tables that are not clear",
        TECHNIQUES,
        "            entries.clear(shown, 512)\n",
        "            pass\n",
        "tests/paging/test_techniques.py::test_all_five_give_the_same_answers_and_tables_on_the_live_ones",
    ),
    (
        "below a parent that is not writable the recursive technique faults",
        TECHNIQUES,
        "            cpu.write_cr0(self._before & ~WRITE_PROTECT)\n",
        "",
        "tests/attacks/test_recursive_parents.py",
    ),
    (
        "after the recursive technique CR0.WP stays off",
        TECHNIQUES,
        "            cpu.write_cr0(self._before)\n",
        "",
        "tests/paging/test_techniques.py::test_no_call_leaves_the_processor_in_another_mode",
    ),
    (
        "a root of one's own lacks an entry of the kernel's half",
        TECHNIQUES,
        "        count = OWN_ENTRIES[0] - FIRST_UPPER_INDEX\n",
        "        count = OWN_ENTRIES[0] - FIRST_UPPER_INDEX - 1\n",
        "tests/attacks/test_cr3.py::test_a_root_that_new_root_made_has_every_entry_of_the_kernels_half",
    ),
    (
        "whether tables can be written is not tried before the change",
        TECHNIQUES,
        "            if self._writes:\n",
        "            if False:\n",
        "tests/paging/test_techniques.py::test_a_function_that_names_pages_where_tables_cannot_be_written_changes_nothing",
    ),
    (
        "leaving a technique overwrites what has come meanwhile",
        INSTALLATIONS,
        "            if found[0] == new_frame and (found[1] ^ new_word) & ~MARKS == 0:\n",
        "            if True:\n",
        "tests/attacks/test_techniques_leave.py::test_leaving_keeps_an_entry_that_somebody_else_has_written_since",
    ),
    (
        "frames between pieces of usable memory can be given back",
        FRAME_ALLOCATORS,
        "        return any([first < end and start < first + count for start, end in self._gaps])\n",
        "        return False\n",
        "tests/memory/allocators/test_frames_of_others.py::test_frames_between_pieces_of_usable_memory_are_never_out",
    ),
]
