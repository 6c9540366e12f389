"""Small faults in mapping, remapping, splitting, unmapping, and the records and tables behind them."""

FEW = "kernel/memory/mappings/few.py"
UNMAPPING = "kernel/memory/mappings/unmapping.py"
MAPPED = "kernel/memory/mappings/mapped_pages.py"
TABLES = "kernel/memory/mappings/page_table.py"
SHARED = "kernel/memory/mappings/shared.py"
CLEANING = "kernel/paging/cleaning.py"
CPU = "port/hardware/_cpu.c"
RECORDS = "port/ledger/records.c"

MUTANTS = [
    (
        "unmapping one page forgets the invlpg",
        FEW,
        "    invalidate(page, count, 1)\n",
        "",
        "tests/memory/mappings/test_mapped_pages.py::test_remap_and_unmap_reach_the_tlb",
    ),
    (
        "remapping forgets the flush",
        UNMAPPING,
        "    failure = tell(table, page, count, old | word)\n",
        "    failure = None\n",
        "tests/memory/mappings/test_mapped_pages.py::test_remap_and_unmap_reach_the_tlb",
    ),
    (
        "unmapping in steps frees before it flushes",
        UNMAPPING,
        "    record.go()\n    pool.unmapped += waiting\n",
        "    if take is None and kind != SHARED:\n        give_frames(table, found, kind)\n    record.go()\n",
        "tests/memory/mappings/test_rollback_and_flush.py::test_frames_are_freed_only_after_the_flush_and_the_callback",
    ),
    (
        "a range is flushed one page short",
        CPU,
        "    for (; done < count && step != 0;",
        "    for (; done + 1 < count && step != 0;",
        "tests/paging/test_flush.py::test_each_act_costs_the_invalidations_it_must_and_no_more",
    ),
    (
        "a large range is not flushed at all",
        "kernel/paging/shootdown.py",
        "    else:\n        cpu.flush()\n",
        "",
        "tests/memory/mappings/test_mapped_pages.py::test_remap_and_unmap_reach_the_tlb",
    ),
    (
        "pages are mapped one short of the end",
        FEW,
        "        fill(at, count, frame, word, 1)\n",
        "        fill(at, count - 1, frame, word, 1)\n",
        "tests/memory/mappings/test_mapped_pages.py::test_a_new_mapping_is_zero_and_keeps_what_is_written",
    ),
    (
        "frames are not cleared for their next owner",
        FEW,
        "    if frame_run & 1 == 0:\n        zero_frames(frame, count)\n",
        "",
        "tests/memory/mappings/test_mapped_pages.py::test_frames_come_back_zero_after_they_held_something",
    ),
    (
        "a new table is linked without being cleared",
        "kernel/paging/mapping.py",
        "                        clear(below, 512)\n",
        "                        pass\n",
        "tests/memory/mappings/test_mapped_pages.py::test_table_frames_of_the_past_are_zero_when_they_are_mapped "
        "tests/paging/test_oddities.py::test_a_fresh_mapping_makes_the_tables_of_the_crate",
    ),
    (
        "a page table of the kernel's half is freed when it is empty",
        CLEANING,
        "if not shared and not static and (",
        "if not static and (",
        "tests/paging/test_ranges.py::test_clean_up_never_frees_level_3_tables_of_the_kernels_half",
    ),
    (
        "a table that is not empty is freed",
        CLEANING,
        "int(unused(below, 512)) == 512",
        "int(unused(below, 1)) == 1",
        "tests/paging/test_ranges.py::test_clean_up_frees_bottom_up_and_keeps_what_is_used",
    ),
    (
        "a split loses the upper part's frames for the count",
        MAPPED,
        "        ledger.change(record, page, number - page, word, lower_signature)\n",
        "        ledger.change(record, page, number - page - 1, word, lower_signature)\n",
        "tests/memory/mappings/test_mapped_pages.py::test_merge_and_split_give_the_same_mapping_back",
    ),
    (
        "unmap_into_parts returns only the first run",
        MAPPED,
        'runs_of_record(table, record, self, "unmap_into_parts()"):\n',
        'runs_of_record(table, record, self, "unmap_into_parts()")[:1]:\n',
        "tests/memory/mappings/test_mapped_pages.py::test_unmap_into_parts_returns_all_frames_by_runs",
    ),
    (
        "shared frames are freed under a mapping",
        SHARED,
        " and not self._users and not self._held and self._count:\n",
        " and not self._held and self._count:\n",
        "tests/memory/mappings/test_special_mappings.py::test_shared_frames_are_freed_with_the_last_mapping",
    ),
    (
        "a Stack maps its guard page",
        "kernel/memory/mappings/stack.py",
        "Page(pages.start.number + 1)",
        "Page(pages.start.number)",
        "tests/memory/mappings/test_special_mappings.py::test_a_stack_has_a_guard_page_that_faults",
    ),
    (
        "a forgotten mapping is not reclaimed",
        RECORDS,
        "    ledger.lost++;\n    record->state = RECORD_LOST;\n",
        "    ledger_give(record);\n    return;\n    record->state = RECORD_LOST;\n",
        "tests/memory/mappings/test_mapped_pages.py::test_forgotten_mappings_and_tables_come_back_at_a_safe_point",
    ),
    (
        "a table is reclaimed before the mappings in it",
        RECORDS,
        "    while (record->kind == KIND_TABLE && *place != 0) {",
        "    while (record->kind != KIND_TABLE && *place != 0) {",
        "tests/memory/mappings/test_mapped_pages.py::test_forgotten_mappings_and_tables_come_back_at_a_safe_point",
    ),
    (
        "an active table can be dropped",
        TABLES,
        "        if self.is_active():\n",
        "        if False:\n",
        "tests/memory/mappings/test_tables.py::test_an_active_table_and_one_with_mappings_cannot_be_dropped",
    ),
    (
        "a new table does not share the kernel's half",
        TABLES,
        "            share_kernel_half(root)\n",
        "            pass\n",
        "tests/memory/mappings/test_tables.py::test_the_kernels_half_is_shared_by_tables_made_before",
    ),
    (
        "remap loses DIRTY",
        UNMAPPING,
        "change_words(ACCESSED | DIRTY, word)",
        "change_words(ACCESSED, word)",
        "tests/memory/mappings/test_mapped_pages.py::test_remap_changes_rights_and_keeps_accessed_dirty_exclusive",
    ),
    (
        "dividing a huge page is off by one frame",
        "kernel/paging/dividing.py",
        "fill(below, _ENTRIES, first, smaller,",
        "fill(below, _ENTRIES, first + (1 << shift - 9), smaller,",
        "tests/memory/mappings/test_mapped_pages.py::test_splitting_inside_a_huge_page_divides_it_and_keeps_every_byte",
    ),
]
