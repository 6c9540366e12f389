"""Small faults in what is refused so that the four invariants hold."""

MAPPER = "kernel/memory/mappings/mapper.py"
MAPPED = "kernel/memory/mappings/mapped_pages.py"
MERGING = "kernel/memory/mappings/merging.py"
RIGHTS = "kernel/memory/mappings/rights.py"
SHARED = "kernel/memory/mappings/shared.py"
INVARIANTS = "tests/memory/mappings/test_invariants.py"

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
        MERGING,
        "    elif record.flags != second.flags:\n",
        "    elif False:\n",
        INVARIANTS,
    ),
    (
        "merge does not compare tables",
        MERGING,
        "    elif table is not other._state[_TABLE]:\n",
        "    elif False:\n",
        INVARIANTS,
    ),
    (
        "counts of pages and frames may differ",
        MAPPER,
        "        if count != frame_state[COUNT]:\n",
        "        if False:\n",
        INVARIANTS,
    ),
    (
        "writable and executable is let through",
        RIGHTS,
        "    if word & WRITABLE and not word & NO_EXECUTE:\n",
        "    if False:\n",
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
