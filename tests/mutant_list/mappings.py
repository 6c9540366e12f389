"""Small faults in mapping, remapping, splitting, unmapping, and the records and tables behind them."""

FEW = "kernel/memory/mappings/few.py"
UNMAPPING = "kernel/memory/mappings/unmapping.py"
MAPPED = "kernel/memory/mappings/mapped_pages.py"
TABLES = "kernel/memory/mappings/page_table.py"
SHARED = "kernel/memory/mappings/shared.py"
CLEANING = "kernel/paging/cleaning.py"
CPU = "port/hardware/_cpu.c"
RECORDS = "port/ledger/records.c"
MAPPING_TESTS = " ".join(
    f"tests/memory/mappings/test_{name}.py"
    for name in ("mapped_pages", "special_mappings", "tables", "rollback_and_flush")
)
FUZZ = "tests/memory/mappings/test_fuzz.py"
RANGES = "tests/paging/test_ranges.py"

MUTANTS = [
    (
        "unmapping one page forgets the invlpg",
        FEW,
        "    invalidate(page, count, 1)\n",
        "",
        MAPPING_TESTS,
    ),
    (
        "remapping forgets the flush",
        MAPPED,
        "        failure = unmapping.invalidate(table, page, count, old | word)\n",
        "        failure = None\n",
        MAPPING_TESTS,
    ),
    (
        "unmapping in steps frees before it flushes",
        UNMAPPING,
        "    try:\n        failure = detach(table, page, count, word)\n    finally:\n        pool.unmapped -= waiting\n"
        "    tables = empty(table, page, count, room)\n"
        "    if take is not None:\n        take(found)\n"
        "    elif kind != SHARED:\n        give_frames(table, found, kind)\n",
        "    if take is not None:\n        take(found)\n"
        "    elif kind != SHARED:\n        give_frames(table, found, kind)\n"
        "    try:\n        failure = detach(table, page, count, word)\n    finally:\n        pool.unmapped -= waiting\n"
        "    tables = empty(table, page, count, room)\n",
        MAPPING_TESTS,
    ),
    (
        "a range is flushed one page short",
        CPU,
        "    for (; done < count && step != 0;",
        "    for (; done + 1 < count && step != 0;",
        MAPPING_TESTS + " tests/paging/test_flush.py",
    ),
    (
        "a large range is not flushed at all",
        UNMAPPING,
        "    else:\n        cpu.flush()\n",
        "",
        MAPPING_TESTS,
    ),
    (
        "pages are mapped one short of the end",
        FEW,
        "        fill(at, count, frame, word, 1)\n",
        "        fill(at, count - 1, frame, word, 1)\n",
        MAPPING_TESTS,
    ),
    (
        "frames are not cleared for their next owner",
        FEW,
        "    if frame_run & 1 == 0:\n        zero_frames(frame, count)\n",
        "",
        MAPPING_TESTS,
    ),
    (
        "a new table is linked without being cleared",
        "kernel/paging/mapping.py",
        "                        clear(below, 512)\n",
        "                        pass\n",
        MAPPING_TESTS + " " + FUZZ,
    ),
    (
        "a page table of the kernel's half is freed when it is empty",
        CLEANING,
        "if not shared and not static and (",
        "if not static and (",
        MAPPING_TESTS + " " + FUZZ + " " + RANGES,
    ),
    (
        "a table that is not empty is freed",
        CLEANING,
        "int(unused(below, 512)) == 512",
        "int(unused(below, 1)) == 1",
        FUZZ + " " + RANGES,
    ),
    (
        "a split loses the upper part's frames for the count",
        MAPPED,
        "        record.set(page, number - page, word, lower_signature)\n",
        "        record.set(page, number - page - 1, word, lower_signature)\n",
        MAPPING_TESTS,
    ),
    (
        "unmap_into_parts returns only the first run",
        MAPPED,
        'runs_of_record(table, record, self, "unmap_into_parts()"):\n',
        'runs_of_record(table, record, self, "unmap_into_parts()")[:1]:\n',
        MAPPING_TESTS,
    ),
    (
        "shared frames are freed under a mapping",
        SHARED,
        "        if self._consumer is not None and not self._users and self._count:\n",
        "        if self._consumer is not None and self._count:\n",
        MAPPING_TESTS,
    ),
    (
        "a Stack maps its guard page",
        "kernel/memory/mappings/stack.py",
        "Page(pages.start.number + 1)",
        "Page(pages.start.number)",
        MAPPING_TESTS,
    ),
    (
        "a forgotten mapping is not reclaimed",
        RECORDS,
        "    ledger.lost++;\n    record->state = RECORD_LOST;\n",
        "    ledger_give(record);\n    return;\n    record->state = RECORD_LOST;\n",
        MAPPING_TESTS,
    ),
    (
        "a table is reclaimed before the mappings in it",
        RECORDS,
        "    while (record->kind == KIND_TABLE && *place != 0) {",
        "    while (record->kind != KIND_TABLE && *place != 0) {",
        MAPPING_TESTS + " " + FUZZ,
    ),
    (
        "an active table can be dropped",
        TABLES,
        "        if self.is_active():\n",
        "        if False:\n",
        MAPPING_TESTS,
    ),
    (
        "a new table does not share the kernel's half",
        TABLES,
        "            share_kernel_half(root)\n",
        "",
        MAPPING_TESTS,
    ),
    (
        "remap loses DIRTY",
        UNMAPPING,
        "change_words(ACCESSED | DIRTY, word)",
        "change_words(ACCESSED, word)",
        MAPPING_TESTS,
    ),
    (
        "dividing a huge page is off by one frame",
        "kernel/paging/dividing.py",
        "ENTRIES, frame & -pages_at(level), smaller, step)",
        "ENTRIES, (frame & -pages_at(level)) + step, smaller, step)",
        MAPPING_TESTS,
    ),
]
