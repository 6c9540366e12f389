"""Small faults in what is refused so that the four invariants hold."""

MAPPER = "kernel/memory/mapper.py"
MAPPED = "kernel/memory/mapped_pages.py"
SHARED = "kernel/memory/shared.py"
INVARIANTS = "tests/memory/mappings/test_invariants.py"
FUZZ = "tests/memory/mappings/test_fuzz.py"

MUTANTS = [
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
]
