"""Small faults in what brings pages in and takes their frames."""

RESIDENTS = "kernel/replacement/residents.py"
SWAPPED = "kernel/replacement/swapped.py"
CHOOSER = "kernel/replacement/chooser.py"
FILES = "kernel/replacement/files.py"
TROUBLE = "tests/replacement/test_trouble.py"
DOES = "tests/replacement/test_swapped.py"
FILED = "tests/replacement/test_files.py"

MUTANTS = [
    (
        "a page that could not be stored is clean",
        RESIDENTS,
        "                if taken and not is_stored:\n",
        "                if False:\n",
        TROUBLE + "::test_a_page_that_cannot_be_written_stays_dirty_and_resident",
    ),
    (
        "a page is clean, and the TLB goes on without marking it",
        RESIDENTS,
        "                forget(access.root_frame, page, 1)\n",
        "                pass\n",
        DOES + "::test_only_what_was_written_is_stored",
    ),
    (
        "what was changed while it was stored goes with its frame",
        RESIDENTS,
        "            if look(self._access, page, DIRTY):\n",
        "            if False:\n",
        TROUBLE + "::test_a_store_that_writes_to_the_page_that_it_stores_is_found_out",
    ),
    (
        "a page that could not be loaded stays mapped",
        RESIDENTS,
        "            if not is_loaded:\n",
        "            if False:\n",
        TROUBLE + "::test_a_read_that_fails_is_what_the_statement_gets_once",
    ),
    (
        "sync() does not flush the store",
        RESIDENTS,
        '        self.end("flush", "flushed")\n',
        "        pass\n",
        TROUBLE + "::test_a_store_that_fails_at_sync_and_drop_leaves_all_that_is_not_written_dirty",
    ),
    (
        "Ctrl-C comes while a page is mapped and nobody knows",
        RESIDENTS,
        "                        incoming[-1] = create_mapping_at(address, PAGE_SIZE, self._flags)\n",
        "                        leave()\n"
        "                        try:\n"
        "                            incoming[-1] = create_mapping_at(address, PAGE_SIZE, self._flags)\n"
        "                        finally:\n"
        "                            enter()\n",
        TROUBLE + "::test_ctrl_c_loses_no_page",
    ),
    (
        "a page that was mapped before its owner was made stays mapped when there is no memory for that",
        "kernel/memory/mappings/creating.py",
        "                state[_RECORD] = record\n                commit(record)\n                return mapped\n",
        "                commit(record)\n"
        '                return make(MappedPages, "_state", [record, table, None, None])\n',
        TROUBLE + "::test_want_of_memory_loses_no_page",
    ),
    (
        "a policy that raised goes on with what it knows",
        CHOOSER,
        "        policy = self._policy\n        self.is_lost = True\n",
        "        policy = self._policy\n        self.is_lost = False\n",
        TROUBLE + "::test_ctrl_c_loses_no_page " + TROUBLE + "::test_a_policy_that",
    ),
    (
        "another policy is told of the resident pages in the order of their numbers",
        CHOOSER,
        "key=lambda page: resident[page][0]",
        "key=lambda page: page",
        DOES + "::test_another_policy_is_told_of_the_resident_pages_in_the_order_of_loading",
    ),
    (
        "a policy may name a page that has no frame",
        CHOOSER,
        "if page.__class__ is not int or page not in self._resident:",
        "if page.__class__ is not int:",
        TROUBLE + "::test_a_policy_that",
    ),
    (
        "a fault is answered amid a sync()",
        SWAPPED,
        "            raise Busy(self, self._step)\n        if is_resident:",
        "            pass\n        if is_resident:",
        TROUBLE + "::test_a_callback_that_writes_and_synchronises_loses_no_page",
    ),
    (
        "what a callback writes at the end of drop() is lost",
        SWAPPED,
        "                if not (writes and self.dirty()):\n",
        "                if True:\n",
        TROUBLE + "::test_a_callback_that_writes_and_synchronises_loses_no_page",
    ),
    (
        "a fault in another table gets a page of the kernel's",
        SWAPPED,
        "        if not (self._is_everywhere or self._table.is_active()):\n",
        "        if False:\n",
        DOES + "::test_another_table_has_nothing_there",
    ),
    (
        "pages that are read ahead take frames that are not there",
        SWAPPED,
        "min(self.cluster, self.frames - len(self.resident), ",
        "min(self.cluster, ",
        DOES + "::test_a_fault_that_follows_the_last_one_reads_ahead",
    ),
    (
        "reading ahead does not stop at a page that is resident",
        SWAPPED,
        "while count < most and page + count not in self.resident:",
        "while count < most:",
        DOES + "::test_a_fault_that_follows_the_last_one_reads_ahead",
    ),
    (
        "who asked for one page gets the error of another, which was read ahead",
        SWAPPED,
        "                if count == 1:\n",
        "                if True:\n",
        TROUBLE + "::test_pages_that_are_read_ahead_may_fail_for_themselves",
    ),
    (
        "a private mapping writes to the file",
        FILES,
        "        self._own.write(offset, buffer)\n",
        "        self.base.write(offset, buffer)\n",
        FILED + "::test_a_private_mapping_never_writes_to_the_file",
    ),
    (
        "a file grows to whole pages",
        FILES,
        "[: min(len(buffer), self.size_in_bytes - (offset << PAGE_SHIFT))]",
        "[:]",
        FILED + "::test_a_shared_mapping_is_written_back_at_sync_and_at_drop",
    ),
    (
        "the next file lies where the last one was",
        FILES,
        "    _next_place[0] = first + count + 1\n",
        "",
        FILED + "::test_mappings_lie_where_nothing_was",
    ),
    (
        "a store that is read-only may be mapped writable",
        SWAPPED,
        "if self.store.read_only and word & WRITABLE:",
        "if False:",
        FILED + "::test_what_can_only_be_read_is_mapped_for_reading_or_privately",
    ),
    (
        "Ctrl-C where a `try` ends leaves a range that nobody has",
        "kernel/replacement/swapped.py",
        "            return  # in here: it also comes where a `try` ends\n",
        "",
        "tests/replacement/test_files.py::test_ctrl_c_on_the_way_into_a_with_statement_leaves_nothing",
    ),
    (
        "Ctrl-C on the way into a `with` leaves a range that nobody can drop",
        "kernel/replacement/swapped.py",
        "            self.__exit__(KeyboardInterrupt, None, None)\n",
        "",
        "tests/replacement/test_files.py::test_ctrl_c_on_the_way_into_a_with_statement_leaves_nothing",
    ),
]
