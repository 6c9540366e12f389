"""Small faults that the tests must notice: `make mutants` puts each into a copy, builds it and runs the named tests.

A mutant is (what is wrong, file, text as it is, text as it would be wrong, tests that ought to notice).
"""

MAPPINGS = "port/modules/_mappings.c"
RECORDS = "port/ledger/_records.c"
AUDIT = "port/modules/_audit.c"
MAPPER = "kernel/memory/mapper.py"
MAPPED = "kernel/memory/mapped_pages.py"
TABLES = "kernel/memory/page_table.py"
SHARED = "kernel/memory/shared.py"
INIT = "kernel/memory/init.py"
BOOT_TESTS = "tests/test_ownership_boot.py"
MAPPING_TESTS = "tests/test_ownership_mappings.py"
INVARIANTS = "tests/test_ownership_invariants.py"
INJECTION = "tests/test_ownership_injection.py"
FUZZ = "tests/test_ownership_fuzz.py"
WISHED = "kernel/memory/wished_address.py"
WISHED_TESTS = "tests/test_ownership_wished.py"

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
        "the parent of a window page is left executable",
        MAPPINGS,
        "(is_pool_or_kernel(i) ? 0 : ENTRY_NO_EXECUTE)",
        "(is_pool_or_kernel(i) ? 0 : 0)",
        BOOT_TESTS,
    ),
    (
        "the image stays writable in the window",
        INIT,
        '(first, end, "r--")',
        '(first, end, "rw-")',
        BOOT_TESTS,
    ),
    (
        "the identity mapping is not dropped",
        INIT,
        "            copy_root_entry(self._page_table.root, 0, 0)\n",
        "",
        BOOT_TESTS,
    ),
    (
        "a guard page is mapped",
        INIT,
        "            first = guard + 1\n",
        "            first = guard\n",
        BOOT_TESTS,
    ),
    (
        "emitted code stays writable where it is linked",
        "port/boot/_boot.c",
        'new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "r--")',
        'new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "rw-")',
        BOOT_TESTS,
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
        "drop does not ask whether the mapping lives",
        MAPPED,
        '            raise UseAfterMove("MappedPages", record)\n',
        "            pass\n",
        INVARIANTS,
    ),
    (
        "merge does not compare flags",
        MAPPED,
        "        elif record.flags != second.flags:\n",
        "        elif False:\n",
        INVARIANTS + " " + FUZZ,
    ),
    (
        "merge does not compare tables",
        MAPPED,
        "        elif self._state[TABLE] is not other._state[TABLE]:\n",
        "        elif False:\n",
        INVARIANTS,
    ),
    (
        "counts of pages and frames may differ",
        MAPPER,
        "        if count != frame_state[COUNT] or count == 0:\n",
        "        if count == 0:\n",
        INVARIANTS,
    ),
    (
        "writable and executable is let through",
        MAPPER,
        "        if word & WRITABLE and not word & NO_EXECUTE:\n            self._allow(page, count, override)\n",
        "",
        INVARIANTS,
    ),
    (
        "another mapping of shared frames may make them writable and executable",
        SHARED,
        "        if _is_executor(word) and writers:\n",
        "        if False:\n",
        INVARIANTS,
    ),
    (
        "shared frames are freed under a mapping",
        SHARED,
        "        if self._consumer is not None and not self._users and self._count:\n",
        "        if self._consumer is not None and self._count:\n",
        MAPPING_TESTS,
    ),
    (
        "a failed map keeps the frames that were lent for tables",
        MAPPER,
        "        except BaseException:\n            self._take_tables_back()\n            raise\n",
        "        except BaseException:\n            raise\n",
        INJECTION,
    ),
    (
        "a failed map of several runs leaves the first ones mapped",
        MAPPER,
        "            if done:\n                detach(self.root, page, done)\n",
        "            if False:\n                detach(self.root, page, done)\n",
        INJECTION + " " + MAPPING_TESTS,
    ),
    (
        "a failed create keeps its pages",
        MAPPER,
        "        if page >= 0:\n            give(self._page_tree, page, count)\n",
        "",
        INJECTION,
    ),
    (
        "Ctrl-C gets into the middle of unmapping",
        MAPPINGS,
        "    critical_hold();\n    return MP_OBJ_NEW_SMALL_INT(first >> 12 << 1 | (emptied != 0));",
        "    return MP_OBJ_NEW_SMALL_INT(first >> 12 << 1 | (emptied != 0));",
        INJECTION,
    ),
    (
        "a guarded stretch may run out of stack",
        "port/runtime/_critical.c",
        "#define ROOM_ON_STACK   0x6000\n#define ROOM_ON_PYSTACK 0x2000\n",
        "#define ROOM_ON_STACK   0\n#define ROOM_ON_PYSTACK 0\n",
        INJECTION,
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
    (
        "the audit overlooks pages without an owner",
        "kernel/memory/verify.py",
        "        if walked != recorded:\n",
        "        if False:\n",
        MAPPING_TESTS,
    ),
    (
        "a refused create_mapping_at keeps the page",
        WISHED,
        "                give(page_tree, page_run, count)\n",
        "                pass\n",
        WISHED_TESTS,
    ),
    (
        "a refused create_mapping_at keeps the frame",
        WISHED,
        "                if frame_run >= 0:\n",
        "                if False:\n",
        WISHED_TESTS,
    ),
    (
        "a refused create_mapping_at in steps keeps the pages",
        WISHED,
        "            pages.drop()\n",
        "            pass\n",
        WISHED_TESTS,
    ),
    (
        "create_mapping_at maps the lower half in the kernel's table",
        WISHED,
        "table = mapper._kernel if page >= UPPER_HALF else mapper",
        "table = mapper._kernel",
        WISHED_TESTS,
    ),
    (
        "create_mapping_at counts fewer owners of tables",
        WISHED,
        "    add_owners(frame_tree, needed - 1)",
        "    add_owners(frame_tree, 0)",
        WISHED_TESTS,
    ),
    (
        "a trap may be raised while another one is",
        "port/faults/traps.c",
        "    if (raising) {\n",
        "    if (false) {\n",
        "tests/test_faults_mechanism.py",
    ),
]
