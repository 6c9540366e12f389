"""Small faults in what keeps everything that may be executed from being written through the physical window."""

ALIASES = "kernel/memory/mappings/aliases.py"
AUDIT = "kernel/memory/audit/aliases.py"
DIVIDING = "kernel/paging/dividing.py"
FEW = "kernel/memory/mappings/few_aliases.py"
MAPPED = "kernel/memory/mappings/mapped_pages.py"
MAPPER = "kernel/memory/mappings/mapper.py"
MERGING = "kernel/memory/mappings/merging.py"
UNMAPPING = "kernel/memory/mappings/unmapping.py"
TESTS = "tests/memory/mappings/test_aliases.py"
WAYS = TESTS + "::test_what_may_be_executed_is_read_only_in_the_window_and_nothing_else_is"
REMAP = TESTS + "::test_remap_closes_and_opens_and_the_tlb_hears_of_both"
BESIDE = TESTS + "::test_what_is_beside_others_closes_and_opens_alone"
FLUSH = TESTS + "::test_each_change_of_the_window_is_flushed_by_one_request"
SHARED = TESTS + "::test_shared_frames_stay_closed_until_the_last_one_that_executes_has_gone"
SHOOTDOWN = TESTS + "::test_in_the_shootdown_of_a_drop_the_window_is_still_closed"
SPLIT = TESTS + "::test_the_parts_of_a_split_mapping_open_one_by_one"
VERIFY = TESTS + "::test_verify_says_what_is_wrong_in_the_window_both_ways"
WANT = TESTS + "::test_want_of_memory_or_frames_changes_nothing"

MUTANTS = [
    (
        "what may be executed stays writable in the window",
        ALIASES,
        "change_leaves(facts, None, page, count, READ_ONLY)",
        "change_leaves(facts, None, page, count, WRITABLE_AGAIN)",
        WAYS,
    ),
    (
        "only the first page of a run is closed",
        ALIASES,
        "change_leaves(facts, None, page, count, READ_ONLY)",
        "change_leaves(facts, None, page, 1, READ_ONLY)",
        WAYS,
    ),
    (
        "only the first of several runs is closed",
        ALIASES,
        "        for page, count, _ in spans:\n            close_run(",
        "        for page, count, _ in spans[:1]:\n            close_run(",
        WAYS,
    ),
    (
        "closing flushes nothing",
        ALIASES,
        "    opening.flush()\n    return opening\n",
        "    return opening\n",
        FLUSH,
    ),
    (
        "opening flushes nothing",
        ALIASES,
        "        self.flush()\n        give_united(",
        "        give_united(",
        FLUSH,
    ),
    (
        "the window's pages are flushed here only",
        "kernel/paging/shootdown.py",
        "        cpu.invalidate(first, pages, step)\n    if waits[OTHERS]:\n",
        "        cpu.invalidate(first, pages, step)\n    if waits[OBSERVERS]:\n",
        "'tests/processors/test_shootdown.py::test_on_two_processors[the_window_is_told]'",
    ),
    (
        "many pages are not forgotten",
        ALIASES,
        "        if pages > FLUSH_ALL_ABOVE:\n            forget_all(",
        "        if pages > FLUSH_ALL_ABOVE:\n            (lambda *_: None)(",
        FLUSH,
    ),
    (
        "what was divided is not united",
        DIVIDING,
        "        while first < end:\n",
        "        while first < end - (1 << shift):\n",
        WAYS,
    ),
    (
        "a page of 1 GiB is not united",
        DIVIDING,
        "    while level <= largest:\n",
        "    while level < largest:\n",
        TESTS + "::test_a_page_of_one_gib_is_divided_and_united",
    ),
    (
        "what is still closed in part is united",
        DIVIDING,
        "if int(touching(below, _ENTRIES, frame, word, 1 << shift - 9)) != _ENTRIES:",
        "if int(touching(below, 1, frame, word, 1 << shift - 9)) != 1:",
        BESIDE,
    ),
    (
        "beside others only the first page is closed",
        FEW,
        "change(at - 1, count, _EVERY_BIT - _WRITABLE, 0)",
        "change(at - 1, 1, _EVERY_BIT - _WRITABLE, 0)",
        BESIDE,
    ),
    (
        "beside others closing is told to nobody",
        FEW,
        "_EVERY_BIT - _WRITABLE, 0)\n    if ptr32(int(waits_at))[0]:\n        forget(0, page, count)\n    else:\n"
        "        invalidate(page, count, 1)\n",
        "_EVERY_BIT - _WRITABLE, 0)\n",
        FLUSH,
    ),
    (
        "a table that shows what one huge page would stays",
        FEW,
        "(high & _HIGH_FRAME) << 20, word, 1)) == 512:",
        "(high & _HIGH_FRAME) << 20, word, 1)) == 513:",
        WAYS,
    ),
    (
        "what a few pages executed stays read-only in the window",
        "kernel/memory/mappings/few.py",
        "    if word & _NO_EXECUTE == 0 and (is_empty",
        "    if word & _NO_EXECUTE == 1 and (is_empty",
        BESIDE,
    ),
    (
        "what was dropped stays read-only in the window",
        UNMAPPING,
        "    if opening is not None:\n        opening.commit()\n    if take",
        "    if opening is not None:\n        opening.forget()\n    if take",
        WAYS,
    ),
    (
        "the window is opened before the others have forgotten",
        UNMAPPING,
        "    record.go()\n    pool.unmapped += waiting\n",
        "    if opening is not None:\n        opening._commit()\n    record.go()\n    pool.unmapped += waiting\n",
        SHOOTDOWN,
    ),
    (
        "remap forgets the window",
        UNMAPPING,
        "    if (word ^ old) & NO_EXECUTE:\n",
        "    if False:\n",
        REMAP,
    ),
    (
        "a mapping that failed leaves the window closed",
        MAPPER,
        "            if not opening.is_held:\n                opening.commit()\n",
        "            opening.forget()\n",
        WANT,
    ),
    (
        "shared frames open when the first of two that execute has gone",
        ALIASES,
        "return [] if shared._executors > others else",
        "return [] if shared._executors > others + 1 else",
        SHARED,
    ),
    (
        "split does not divide the window",
        MERGING,
        "if not record.flags & NO_EXECUTE and 0 <= frame",
        "if not record.flags and 0 <= frame",
        SPLIT,
    ),
    (
        "verify does not see what may be written",
        AUDIT,
        "without(executed, self.closed)),",
        "[]),",
        VERIFY,
    ),
    (
        "verify does not see what is closed for nobody",
        AUDIT,
        "without(self.closed, executed)),",
        "[]),",
        VERIFY,
    ),
    (
        "a copy is executable before it is written",
        "kernel/memory/mappings/copying.py",
        "kernel._create(count, word | NO_EXECUTE)",
        "kernel._create(count, word)",
        WAYS,
    ),
    (
        "pages of a store are executable before they are filled",
        "kernel/replacement/residents.py",
        "not waits[OTHERS] and not self._is_code\n        try",
        "not waits[OTHERS]\n        try",
        TESTS + "::test_pages_of_a_store_may_be_executed",
    ),
    (
        "text is executable before it is written",
        "kernel/loader/linking.py",
        'FLAGS = {"text": PteFlags(),',
        'FLAGS = {"text": PteFlags().executable(True),',
        "tests/loader/test_replacing.py::test_who_holds_a_caller_goes_on_and_calls_the_new_one",
    ),
    (
        "replace leaves the others' code as it was",
        ALIASES,
        "        for address, data in patches:\n            write(address, data)\n",
        "        pass\n",
        "tests/loader/test_replacing.py::test_who_holds_a_caller_goes_on_and_calls_the_new_one",
    ),
    (
        "a parked processor can write everything",
        "kernel/processors/parking.py",
        "    job = Job(PRESENT | NO_EXECUTE,",
        "    job = Job(PRESENT | 2 | NO_EXECUTE,",
        TESTS + "::test_a_processor_that_is_parked_can_write_nothing_that_another_may_execute",
    ),
    (
        "what the emitter writes is writable in the tables of parked processors",
        "port/boot/tables.c",
        "    map_image(__emitted_start, __emitted_end, ENTRY_NO_EXECUTE);\n",
        "",
        TESTS + "::test_a_processor_that_is_parked_can_write_nothing_that_another_may_execute",
    ),
]
