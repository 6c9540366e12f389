"""Small faults in the acts of the hardware: entries of one table, registers."""

ENTRIES = "port/hardware/_entries.c"
CPU = "port/hardware/_cpu.c"
REGISTERS = "port/hardware/cpu.c"
ACTS = "tests/natives/test_entries.py"

MUTANTS = [
    (
        "of eight leaves the last leads to the frame of the one before",
        ENTRIES,
        "        at[7] = value + 7 * step;\n",
        "        at[7] = value + 6 * step;\n",
        ACTS + "::test_a_run_is_filled_and_not_one_entry_more",
    ),
    (
        "the leaves behind the last eight are one short",
        ENTRIES,
        "    for (; count > 0; count--, value += step) {\n",
        "    for (; count > 1; count--, value += step) {\n",
        ACTS + "::test_a_run_is_filled_and_not_one_entry_more",
    ),
    (
        "of a few entries the last is not cleared",
        ENTRIES,
        "        while (count-- > 0) {\n",
        "        while (count-- > 1) {\n",
        ACTS + "::test_a_run_is_cleared_and_not_one_entry_more",
    ),
    (
        "changing flags keeps the PAT of a huge page",
        ENTRIES,
        "keep = (ENTRY_FRAME & ~ENTRY_HUGE_PAT) | get_word",
        "keep = ENTRY_FRAME | get_word",
        "tests/attacks/test_pat_everywhere.py::test_the_paging_layer_writes_what_it_was_asked_for",
    ),
    (
        "of an odd count of entries the last is taken for unused",
        ENTRIES,
        "    return single | sum[0] | sum[1] | (count > 0 ? *(const uint64_t *)pair : 0);\n",
        "    return single | sum[0] | sum[1];\n",
        ACTS + "::test_one_entry_that_differs_is_found_wherever_it_is",
    ),
    (
        "of sixteen entries two are not asked whether they are used",
        ENTRIES,
        "        for (int i = 0; i < 8; i++) {\n            sum |= pair[i];\n",
        "        for (int i = 0; i < 7; i++) {\n            sum |= pair[i];\n",
        ACTS + "::test_one_entry_that_differs_is_found_wherever_it_is",
    ),
    (
        "of sixteen leaves two are not asked whether they are present",
        ENTRIES,
        "        for (int i = 0; i < 8; i++) {\n            product &= pair[i];\n",
        "        for (int i = 0; i < 7; i++) {\n            product &= pair[i];\n",
        ACTS + "::test_one_entry_that_differs_is_found_wherever_it_is",
    ),
    (
        "of a chunk of leaves two may lead anywhere",
        ENTRIES,
        "i < CHUNK / 2; i++",
        "i < CHUNK / 2 - 1; i++",
        ACTS + "::test_one_entry_that_differs_is_found_wherever_it_is",
    ),
    (
        "leaves that differ in a right are one run",
        ENTRIES,
        "compared = ~ENTRY_ACCESSED_DIRTY;\n",
        "compared = ~(ENTRY_ACCESSED_DIRTY | ENTRY_WRITABLE);\n",
        ACTS + "::test_one_entry_that_differs_is_found_wherever_it_is",
    ),
    (
        "nobody sees that a leaf is GLOBAL",
        ENTRIES,
        "count << 1 | (any & ENTRY_GLOBAL) >> 8 : 0;",
        "count << 1 : 0;",
        ACTS + "::test_one_entry_that_differs_is_found_wherever_it_is",
    ),
    (
        "an entry that is not present is none, whatever it holds",
        ENTRIES,
        "    while (i < count && at[i] == 0) {\n",
        "    while (i < count && !(at[i] & ENTRY_PRESENT)) {\n",
        ACTS + "::test_one_entry_that_differs_is_found_wherever_it_is",
    ),
    (
        "compare_and_set stores whatever was there",
        ENTRIES,
        "__sync_bool_compare_and_swap(entry, old, value)",
        "(*entry = value + 0 * old, true)",
        ACTS + "::test_one_entry_is_read_and_written_whole",
    ),
    (
        "an act may run out of its table",
        ENTRIES,
        "ENTRIES_PER_TABLE + 1 - ((uintptr_t)at >> 3 & (ENTRIES_PER_TABLE - 1))",
        "2 * ENTRIES_PER_TABLE",
        ACTS + "::test_no_act_runs_out_of_its_table",
    ),
    (
        "a copy of entries is one short",
        ENTRIES,
        "i < count; i++) {\n        ((volatile uint64_t *)to)[i] = from[i];",
        "i + 1 < count; i++) {\n        ((volatile uint64_t *)to)[i] = from[i];",
        ACTS + "::test_a_run_is_copied_and_not_one_entry_more",
    ),
    (
        "proving that a table is writable only reads it",
        ENTRIES,
        '"lock orq $0, (%0)"',
        '"testq $0, (%0)"',
        "tests/paging/test_techniques.py::test_a_function_that_names_pages_where_tables_cannot_be_written_changes_nothing",
    ),
    (
        "a flush of GLOBAL pages leaves CR4 alone",
        CPU,
        "    cr4_write(value ^ CR4_PGE);\n",
        "",
        "tests/natives/test_contracts.py::test_a_stale_translation_lives_until_it_is_invalidated",
    ),
    (
        "CR0.NW without CD is let through",
        REGISTERS,
        " && (value & (CR0_NW | CR0_CD)) != CR0_NW;",
        ";",
        "tests/natives/test_contracts.py::test_a_bad_argument_is_refused_by_name_and_the_machine_goes_on",
    ),
    (
        "CR0 can be written without paging",
        REGISTERS,
        "needed = CR0_PE | CR0_PG;",
        "needed = CR0_PE;",
        "tests/natives/test_contracts.py::test_a_bad_argument_is_refused_by_name_and_the_machine_goes_on",
    ),
]
