"""Small faults in mapping, remapping, splitting, unmapping, and the records and tables behind them."""

MAPPINGS = "port/modules/_mappings.c"
RECORDS = "port/modules/_records.c"
MAPPER = "kernel/memory/mapper.py"
MAPPED = "kernel/memory/mapped_pages.py"
TABLES = "kernel/memory/page_table.py"
SHARED = "kernel/memory/shared.py"
MAPPING_TESTS = " ".join(
    f"tests/memory/mappings/test_{name}.py"
    for name in ("mapped_pages", "special_mappings", "tables", "rollback_and_flush")
)
FUZZ = "tests/memory/mappings/test_fuzz.py"

MUTANTS = [
    (
        "unmapping one page forgets the invlpg",
        MAPPINGS,
        "        at[i] = 0;\n        page_invalidate(address + i * PAGE_SIZE);\n",
        "        at[i] = 0;\n",
        MAPPING_TESTS,
    ),
    (
        "remapping forgets the flush",
        MAPPED,
        "            failure = table._invalidate(page, count, old | word)\n",
        "            failure = None\n",
        MAPPING_TESTS,
    ),
    (
        "unmapping in steps frees before it flushes",
        MAPPER,
        "        failure = self._invalidate(page, count, word)\n        self._harvest(kind)\n",
        "        self._harvest(kind)\n        failure = self._invalidate(page, count, word)\n",
        MAPPING_TESTS,
    ),
    (
        "a range is flushed one page short",
        MAPPINGS,
        "        for (; count > 0; count--, address += PAGE_SIZE) {\n            page_invalidate(address);",
        "        for (; count > 1; count--, address += PAGE_SIZE) {\n            page_invalidate(address);",
        MAPPING_TESTS,
    ),
    (
        "a large range is not flushed at all",
        MAPPINGS,
        "        cr3_write(cr3_read());\n    } else {\n        for",
        "    } else {\n        for",
        MAPPING_TESTS,
    ),
    (
        "pages are mapped one short of the end",
        MAPPINGS,
        "    for (; count > 0; count--, entry += PAGE_SIZE) {\n        *at++ = entry;",
        "    for (; count > 1; count--, entry += PAGE_SIZE) {\n        *at++ = entry;",
        MAPPING_TESTS,
    ),
    (
        "frames are not cleared for their next owner",
        MAPPINGS,
        "        if (!(run & 1)) {\n            zero(job.frame, count);\n        }\n",
        "",
        MAPPING_TESTS,
    ),
    (
        "a new table is linked without being cleared",
        MAPPINGS,
        "                zero_entries(table_of(child), ENTRIES_PER_TABLE);\n",
        "",
        MAPPING_TESTS + " " + FUZZ,
    ),
    (
        "a page table of the kernel's half is freed when it is empty",
        MAPPINGS,
        "!(level == ROOT_LEVEL && index_at(next - 1, level) >= FIRST_SHARED_INDEX) && ",
        "",
        MAPPING_TESTS + " " + FUZZ,
    ),
    (
        "a table that is not empty is freed",
        MAPPINGS,
        "(cleared_whole || is_empty(child))",
        "(cleared_whole || child[0] == 0)",
        FUZZ,
    ),
    (
        "a split loses the upper part's frames for the count",
        MAPPED,
        "            record.set(page, number - page, word)\n",
        "            record.set(page, number - page - 1, word)\n",
        MAPPING_TESTS,
    ),
    (
        "unmap_into_parts returns only the first run",
        MAPPED,
        "        while frame >= 0:\n            state, count = frames[index]._state, run_length()\n",
        "        while frame >= 0 and index == 0:\n            state, count = frames[index]._state, run_length()\n",
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
        "kernel/memory/stack.py",
        "Page(pages.start.number + 1)",
        "Page(pages.start.number)",
        MAPPING_TESTS,
    ),
    (
        "a forgotten mapping is not reclaimed",
        RECORDS,
        "    lost_count++;\n    record->state = RECORD_LOST;\n",
        "    free_record(record - records);\n    return mp_const_none;\n    record->state = RECORD_LOST;\n",
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
        "            share_upper_half(made.root, kernel.root)\n",
        "",
        MAPPING_TESTS,
    ),
    (
        "remap loses DIRTY",
        MAPPINGS,
        "#define KEPT (ENTRY_ADDRESS | ENTRY_ACCESSED_DIRTY)",
        "#define KEPT (ENTRY_ADDRESS | (1UL << 5))",
        MAPPING_TESTS,
    ),
    (
        "dividing a huge page is off by one frame",
        MAPPINGS,
        "(address + (i * pages_at(level - 1) << 12)) | bits",
        "(address + ((i + 1) * pages_at(level - 1) << 12)) | bits",
        MAPPING_TESTS,
    ),
]
