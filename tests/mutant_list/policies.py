"""Small faults in the replacement policies, in how they are run, and in traces."""

FOLDER = "kernel/replacement/policies"
JUDGE = "tests/replacement/test_policies.py::test_a_policy_faults_as_its_textbook_says"
LABORATORY = "tests/replacement/test_laboratory.py"
BITS = "kernel/replacement/bits.py"
RUNS = "kernel/replacement/laboratory.py"
TRACES = "kernel/replacement/traces.py"
RECORDING = "kernel/replacement/recording.py"
COMMAND = "kernel/shell/replacement_commands.py"

MUTANTS = [
    (
        "fifo lets the newest page go",
        f"{FOLDER}/fifo.py",
        "return self.pages[0]",
        "return self.pages[-1]",
        f"{JUDGE}[fifo]",
    ),
    (
        "the clock's hand passes one page at most",
        f"{FOLDER}/clock.py",
        "while self.bits",
        "if self.bits",
        f"{JUDGE}[clock]",
    ),
    (
        "the accessed bit stays when it was looked at",
        BITS,
        "take(self._access, page, ACCESSED)",
        "look(self._access, page, ACCESSED) if page & 1 else take(self._access, page, ACCESSED)",
        f"{JUDGE}[aging]",
    ),
    (
        "the accessed bit is taken without a flush",
        "kernel/faults/working_set.py",
        "    if bits:\n        forget(access.root_frame, page, 1)\n    return bits\n",
        "    return bits\n",
        f"{JUDGE}[aging]",
    ),
    (
        "the enhanced clock prefers dirty pages",
        f"{FOLDER}/enhanced.py",
        "self.bits.is_dirty(page) == dirty",
        "self.bits.is_dirty(page) != dirty",
        f"{JUDGE}[enhanced]",
    ),
    (
        "the enhanced clock forgets that a page was used when it only looked",
        f"{FOLDER}/enhanced.py",
        "                    if dirty:\n",
        "                    if True:\n",
        f"{JUDGE}[enhanced]",
    ),
    (
        "aging shifts by two",
        f"{FOLDER}/aging.py",
        "self.counters[page] >> 1",
        "self.counters[page] >> 2",
        f"{JUDGE}[aging]",
    ),
    (
        "lfu halves its counts one tick too early",
        f"{FOLDER}/lfu.py",
        "self.ticks % TICKS == 0",
        "self.ticks % TICKS == TICKS - 1",
        f"{JUDGE}[lfu]",
    ),
    (
        "nru takes dirty for worse than used",
        f"{FOLDER}/nru.py",
        "2 * (page in self.used) + self.bits.is_dirty(page)",
        "(page in self.used) + 2 * self.bits.is_dirty(page)",
        f"{JUDGE}[nru]",
    ),
    (
        "a tick of nru leaves the bits that are set",
        f"{FOLDER}/nru.py",
        "        for page in self.pages:\n",
        "        for page in ():\n",
        f"{JUDGE}[nru]",
    ),
    (
        "wsclock's window is a tick too short",
        f"{FOLDER}/wsclock.py",
        "> WINDOW",
        ">= WINDOW",
        f"{JUDGE}[wsclock]",
    ),
    (
        "wsclock's hand stays where it was",
        f"{FOLDER}/wsclock.py",
        "        self.pages = self.pages[place:] + self.pages[:place]\n",
        "",
        f"{JUDGE}[wsclock]",
    ),
    (
        "2q keeps new pages in a third of the frames",
        f"{FOLDER}/two_q.py",
        "self.frames // 4",
        "self.frames // 3",
        f"{JUDGE}[2q]",
    ),
    (
        "2q remembers as many pages that went as there are frames",
        f"{FOLDER}/two_q.py",
        "max(1, self.frames // 2)",
        "max(1, self.frames)",
        f"{JUDGE}[2q]",
    ),
    (
        "random numbers have another multiplier",
        "kernel/replacement/numbers.py",
        "_MULTIPLIER = const(48271)",
        "_MULTIPLIER = const(16807)",
        f"{JUDGE}[random]",
    ),
    (
        "opt keeps what never comes again",
        f"{FOLDER}/opt.py",
        "places[-1] if places else NEVER",
        "places[-1] if places else 0",
        f"{JUDGE}[opt]",
    ),
    (
        "opt is not told of references",
        f"{FOLDER}/opt.py",
        "        self.to_come[page].pop()\n",
        "",
        f"{JUDGE}[opt]",
    ),
    (
        "a tick comes before the first reference, too",
        RUNS,
        "        if start:\n",
        "        if True:\n",
        f"{JUDGE}[lfu]",
    ),
    (
        "writes of a trace are made as reads",
        RUNS,
        "if references[start] & 1:",
        "if references[start] & 0:",
        f"{JUDGE}[enhanced]",
    ),
    (
        "more frames than pages are let through",
        RUNS,
        "not 0 < frames <= trace.pages",
        "not 0 < frames",
        f"{LABORATORY}::test_each_bad_input_has_its_own_error_and_leaves_nothing",
    ),
    (
        "a reference across pages counts for the first one only",
        TRACES,
        "first + length - 1 >> PAGE_SHIFT",
        "first >> PAGE_SHIFT",
        f"{LABORATORY}::test_a_file_is_read_as_lackey_writes_it",
    ),
    (
        "pages of a file are numbered as they come",
        TRACES,
        "enumerate(sorted(places))",
        "enumerate(sorted(places, key=places.get))",
        f"{LABORATORY}::test_a_file_is_read_as_lackey_writes_it",
    ),
    (
        "a recorded page's own write goes to another reference",
        RECORDING,
        "self.writes[self.place] = is_write",
        "self.writes[-1] = is_write",
        f"{LABORATORY}::test_what_is_recorded_is_what_was_seen_and_replays_alike",
    ),
    (
        "pages that are read ahead are recorded",
        RECORDING,
        "        swapped.cluster = 1\n",
        "",
        f"{LABORATORY}::test_what_is_recorded_is_what_was_seen_and_replays_alike",
    ),
    (
        "a recording that has holes is given out",
        RECORDING,
        "if swapped.policy is not recorder:",
        "if False:",
        f"{LABORATORY}::test_a_recording_that_fails_says_why_and_leaves_the_policy",
    ),
    (
        "the progress of a comparison stays on the line",
        "kernel/shell/progress.py",
        "        sys.stdout.write(ERASE)\n",
        "        pass\n",
        "tests/shell/test_policies.py",
    ),
    (
        "numbers for a made trace are passed over for another",
        COMMAND,
        "if numbers != (None, None, None):",
        "if False:",
        "tests/shell/test_policies.py::test_words_of_the_command_are_files_names_and_classes",
    ),
]
