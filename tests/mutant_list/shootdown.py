"""Small faults of TLB shootdown: who is asked, for what, when; in the engine, and on the other processors."""

FEW = "kernel/memory/mappings/few.py"
UNMAPPING = "kernel/memory/mappings/unmapping.py"
MAPPED_PAGES = "kernel/memory/mappings/mapped_pages.py"
SHOOTDOWN = "kernel/paging/shootdown.py"
TLB = "kernel/paging/tlb.py"
MAPPER = "kernel/paging/mapper.py"
NATIVE = "port/processors/shootdown.c"
PATHS = "tests/processors/test_shootdown.py::test_on_two_processors"
ROWS = "tests/processors/test_jobs.py::test_on_two_processors"
BOCHS = "tests/processors/test_bochs.py"


def of(test, *rows):
    """The tests of these rows."""
    return " ".join(f"'{test}[{row}]'" for row in rows)


MUTANTS = [
    (
        "the short way of a drop flushes here only",
        FEW,
        "        if hearers:\n",
        "        if hearers & 1:\n",
        of(PATHS, "drop_beside_another"),
    ),
    (
        "the short way asks only who is on the root, for the upper half too",
        FEW,
        "forget(0 if page >> 51 else int(",
        "forget(0 if page >> 51 and page & 1 > 1 else int(",
        of(PATHS, "the_short_way_asks_only_who_is_concerned"),
    ),
    (
        "the short way disturbs who is on another root",
        FEW,
        "forget(0 if page >> 51 else int(",
        "forget(0 if page >> 3 else int(",
        of(PATHS, "the_short_way_asks_only_who_is_concerned"),
    ),
    (
        "one page of a run is not forgotten elsewhere on the short way",
        "port/processors/_processors.c",
        "    shoot(native_get_frame(root), page, count, PAGE_SIZE);\n",
        "    shoot(native_get_frame(root), page, count > 1 ? count - 1 : count, PAGE_SIZE);\n",
        of(PATHS, "drop_beside_another"),
    ),
    (
        "the ends of tables are flushed here only",
        SHOOTDOWN,
        "    cpu.invalidate(page, count, step)\n    if waits[OTHERS]:\n",
        "    cpu.invalidate(page, count, step)\n    if waits[OBSERVERS]:\n",
        of(PATHS, "drop_of_one", "drop_of_a_few"),
    ),
    (
        "many pages are flushed here only",
        SHOOTDOWN,
        "        cpu.flush()\n    if waits[OTHERS]:\n",
        "        cpu.flush()\n    if waits[OBSERVERS]:\n",
        of(PATHS, "drop_of_many", "remap_is_told"),
    ),
    (
        "a request ends one leaf short",
        SHOOTDOWN,
        "    leaves = (end - first + least - 1) // least\n",
        "    leaves = (end - first) // least - (end - first > least)\n",
        of(PATHS, "drop_of_a_few"),
    ),
    (
        "a request begins one leaf late",
        SHOOTDOWN,
        "first, leaves, least << 12)\n",
        "first + (leaves > 1), leaves, least << 12)\n",
        of(PATHS, "drop_of_a_few"),
    ),
    (
        "a request for a run is one for each page",
        SHOOTDOWN,
        "        shoot_spans(root, ((page, count, step),))\n",
        "        for at in range(page, page + count):\n            shoot_spans(root, ((at, 1, step),))\n",
        of(PATHS, "drop_of_a_few"),
    ),
    (
        "for many pages GLOBAL translations stay",
        SHOOTDOWN,
        "    mode = processors.EVERYTHING if with_global else processors.NOT_GLOBAL\n",
        "    mode = processors.NOT_GLOBAL\n",
        BOCHS,
    ),
    (
        "the lower half concerns everybody",
        SHOOTDOWN,
        "    return root if page <= last <= LOWER_HALF_LAST_PAGE else EVERYBODY\n",
        "    return EVERYBODY\n",
        of(PATHS, "a_root_that_is_not_active_here"),
    ),
    (
        "the upper half concerns one root only",
        SHOOTDOWN,
        "    return root if page <= last <= LOWER_HALF_LAST_PAGE else EVERYBODY\n",
        "    return root\n",
        of(PATHS, "a_root_that_is_not_active_here"),
    ),
    (
        "nobody is told that a processor is attached",
        SHOOTDOWN,
        "    waits[OTHERS] = 1\n",
        "    waits[OTHERS] = 0\n",
        of(PATHS, "drop_of_one"),
    ),
    (
        "who is parked is still on its root",
        SHOOTDOWN,
        "    roots.pop(number, None)\n",
        "    roots.get(number, None)\n",
        of(PATHS, "a_root_that_is_not_active_here"),
    ),
    (
        "a token's pages are flushed here only",
        TLB,
        "        if waits[OTHERS] and spans:\n",
        "        if waits[OTHERS] and not spans:\n",
        of(PATHS, "tokens_of_the_paging_layer"),
    ),
    (
        "a token for everything flushes here only",
        TLB,
        "        forget_all(root, page, count, with_global)\n",
        "        (cpu.flush_global if with_global else cpu.flush)()\n",
        of(PATHS, "tokens_of_the_paging_layer"),
    ),
    (
        "no flush is owed for a root that only another processor is on",
        MAPPER,
        " or (waits[OTHERS] and is_attached(access.root_frame)):\n",
        ":\n",
        of(PATHS, "a_root_that_is_not_active_here_for_the_paging_layer"),
    ),
    (
        "the token of one page is for another root",
        MAPPER,
        '"spans", spans, "_root", root)\n',
        '"spans", spans, "_root", root + 1)\n',
        of(PATHS, "a_root_that_is_not_active_here_for_the_paging_layer"),
    ),
    (
        "tables are unlinked after the others were asked, on the short way",
        UNMAPPING,
        "            tables = cut_off(table, page, 1, ROOM_FOR_ONE_WAY, FAULT_ON_ONE_WAY)\n"
        "            forget(table.root, page, count)\n",
        "            forget(table.root, page, count)\n"
        "            tables = cut_off(table, page, 1, ROOM_FOR_ONE_WAY, FAULT_ON_ONE_WAY)\n",
        of(PATHS, "the_order"),
    ),
    (
        "the others are asked before tables are unlinked, and once more",
        UNMAPPING,
        "    is_watched = table._kernel.ledger.broadcast is not None\n",
        "    is_watched = True\n",
        of(PATHS, "the_order", "drop_of_many"),
    ),
    (
        "new rights are not told to the others",
        UNMAPPING,
        "    flush(table, page, count, word)\n    callback",
        "    cpu_flush = table\n    callback",
        of(PATHS, "remap_is_told"),
    ),
    (
        "a bit of a page is taken without asking the others to forget",
        "kernel/faults/working_set.py",
        "        forget(access.root_frame, page, 1)\n",
        "        forget(access.root_frame + 1, page, 1)\n",
        of(PATHS, "marks_are_taken_and_set_again"),
    ),
    (
        "a working set is taken without asking the others to forget",
        "kernel/faults/working_set.py",
        "        forget_all(access.root_frame, ",
        "        forget_all(access.root_frame + 1, ",
        of(PATHS, "marks_are_taken_and_set_again"),
    ),
    (
        "a page is stored while others may go on writing to it unnoticed",
        "kernel/replacement/residents.py",
        "                forget(access.root_frame, page, 1)\n",
        "                forget(access.root_frame + 1, page, 1)\n",
        of(PATHS, "a_page_that_was_stored_is_dirty_again"),
    ),
    (
        "another processor sees a page before it is filled",
        "kernel/replacement/residents.py",
        "is_alone = not waits[OTHERS] and not self._is_code",
        "is_alone = not self._is_code",
        of(PATHS, "a_page_that_comes_or_goes_is_seen_whole"),
    ),
    (
        "another processor writes to a page that goes",
        "kernel/replacement/residents.py",
        "        if waits[OTHERS] and not self._is_code:",
        "        if waits[OTHERS] and page < 0:",
        of(PATHS, "a_page_that_comes_or_goes_is_seen_whole"),
    ),
    (
        "flags change by a load and a store",
        "port/hardware/_entries.c",
        '            __asm__ volatile ("lock andq %1, %0; lock orq %2, %0"'
        ' : "+m"(at[i]) : "r"(keep), "r"(set) : "memory", "cc");\n',
        "            volatile uint64_t *entry = at + i;\n"
        "            uint64_t value = *entry;\n"
        "            *entry = (value & keep) | set;\n",
        "tests/processors/test_shootdown.py::test_no_dirty_bit_is_lost",
    ),
    (
        "nobody waits for the answers",
        NATIVE,
        "    wait_for_all();\n}\n\n// On",
        "    if (request.pending == 0) {\n        wait_for_all();\n    }\n}\n\n// On",
        of(ROWS, "who_is_parked_is_left_alone") + " " + of(PATHS, "drop_of_one", "drop_of_a_few"),
    ),
    (
        "another processor answers, and forgets nothing",
        NATIVE,
        "            page_invalidate(address);\n",
        "            (void)address;\n",
        of(PATHS, "drop_of_one"),
    ),
    (
        "another processor forgets one page less",
        NATIVE,
        "left != 0; left--, address += request.mode",
        "left > 1; left--, address += request.mode",
        of(ROWS, "a_range_is_exactly_that"),
    ),
    (
        "another processor forgets everything for a range",
        NATIVE,
        "    if (request.mode >= PAGE_SIZE) {\n",
        "    if (request.mode >= PAGE_SIZE) {\n        cr3_write(cr3_read());\n",
        of(ROWS, "a_range_is_exactly_that"),
    ),
    (
        "another processor keeps GLOBAL translations when it is to forget everything",
        NATIVE,
        "        cr4_write(value ^ CR4_PGE);\n        cr4_write(value);\n",
        "        cr4_write(value);\n        cr3_write(cr3_read());\n",
        BOCHS,
    ),
    (
        "who is on another root is asked, too",
        NATIVE,
        "(processor_of(number)->root != root) << number",
        "(processor_of(number)->root == 1) << number",
        of(ROWS, "the_lower_half_concerns_one_root"),
    ),
]
