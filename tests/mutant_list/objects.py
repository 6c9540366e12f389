"""Small faults in the region for loaded objects, and in the loader."""

TAKING = "kernel/memory/runs/taking.py"
ARENAS = "kernel/memory/allocators/arenas.py"
REGION = "tests/memory/allocators/test_region_for_objects.py"

MUTANTS = [
    (
        "a request that names nothing is served from the region for loaded objects",
        TAKING,
        "    if start >= (nil[_END] | nil[_END + 1] << 32):\n        return _NOT_FREE\n",
        "",
        f"{REGION}::test_who_names_nothing_is_refused_when_the_pool_is_used_up",
    ),
    (
        "a refusal counts the region for loaded objects as free to all",
        ARENAS,
        "        if longest and find(",
        "        if not longest and find(",
        f"{REGION}::test_who_names_nothing_is_refused_when_the_pool_is_used_up",
    ),
]

ELF = "kernel/loader/elf.py"
TABLES = "kernel/loader/tables.py"
RESOLVING = "kernel/loader/resolving.py"
RELOCATIONS = "kernel/loader/relocations.py"
LINKING = "kernel/loader/linking.py"
REPLACING = "kernel/loader/replacing.py"
CARRYING = "kernel/loader/carrying.py"
OBJECTS = "kernel/loader/objects.py"
NAMESPACES = "kernel/loader/namespaces.py"
LOADS = "tests/loader/test_loading.py"
REFUSES = "tests/loader/test_refusals.py"
REPLACES = "tests/loader/test_replacing.py"
CARRIES = "tests/loader/test_carrying.py"
ORACLE = "tests/loader/test_oracle.py"

MUTANTS += [
    (
        "sections that lie over each other in the file are loaded",
        ELF,
        "        if first < end:\n",
        "        if first < end - 4096:\n",
        REFUSES,
    ),
    (
        "a section is writable and executable if the file says so",
        ELF,
        "        if flags & WRITE and flags & EXECUTE:\n",
        "        if flags & WRITE and flags & EXECUTE and flags & _TLS:\n",
        REFUSES,
    ),
    (
        "what a relocation is for may reach a byte behind the section",
        TABLES,
        "        if int(relocation[0]) + (int(kinds[kind]) & 15) > size:\n",
        "        if int(relocation[0]) > size + 4096:\n",
        REFUSES,
    ),
    (
        "a symbol's place is not looked at",
        TABLES,
        "int(symbol[2]) + int(symbol[4]) > int(limits[section])",
        "int(symbol[2]) + int(symbol[4]) > int(limits[section]) + 8192",
        REFUSES,
    ),
    (
        "a 32-bit value that overflows is cut off",
        RELOCATIONS,
        '        return pack("<i", value) if kind != ZERO_EXTENDED or value >= 0 else None\n',
        '        return pack("<i", value)\n',
        f"{REFUSES}::test_32_bit_addresses_are_refused_and_not_cut_off",
    ),
    (
        "a second definition takes the first one's place",
        RESOLVING,
        "            if known.binding == strength == STRONG:\n",
        "            if known.binding == strength == WEAK:\n",
        f"{REFUSES}::test_two_definitions_that_are_not_weak_are_refused_naming_both",
    ),
    (
        "relative relocations are counted from their end",
        LINKING,
        "                    value += addend - start - offset\n",
        "                    value += addend - start - offset - 4\n",
        ORACLE,
    ),
    (
        "a slot of the GOT holds the address that the section had in the file",
        LINKING,
        '            pack_into("<q", part.buffers["rodata"], got.offset + offset, found.address)\n',
        '            pack_into("<q", part.buffers["rodata"], got.offset + offset, found.value)\n',
        ORACLE,
    ),
    (
        "the old object's text is written where it is mapped",
        REPLACING,
        "(WINDOW + (frames[section.group][at // PAGE_BYTES] << 12) + at % PAGE_BYTES, data[:room])",
        "(section.address - section.offset + at, data[:room])",
        REPLACES,
    ),
    (
        "state is not carried over",
        REPLACING,
        "            view[:] = contents\n",
        "            pass\n",
        f"{REPLACES}::test_state_is_carried_over_but_for_what_relocations_fill",
    ),
    (
        "pointers of the old object are carried over",
        CARRYING,
        "contents[offset : offset + len(data)] == then[offset]:",
        "contents[offset : offset + len(data)] != then[offset]:",
        f"{REPLACES}::test_state_is_carried_over_but_for_what_relocations_fill",
    ),
    (
        "an object that others need is unloaded",
        OBJECTS,
        "        if user not in going:\n",
        "        if user in going:\n",
        f"{REPLACES}::test_unload_is_refused_while_needed_or_held_by_name",
    ),
    (
        "a weak definition that was hidden is not seen again",
        NAMESPACES,
        "                        if known is not None and (best is None or best.binding < known.binding):\n",
        "                        if known is not None and best is not None:\n",
        f"{LOADS}::test_weak_gives_way_and_comes_back",
    ),
]

MUTANTS += [
    (
        "an address that the program has stored is carried over as it is",
        CARRYING,
        "        _move_addresses(contents, section, old, new, pairs)\n",
        "",
        f"{CARRIES}::test_addresses_that_the_program_stored_lead_into_the_new_one",
    ),
    (
        "the end of an array is nowhere",
        CARRYING,
        "    for past_the_end in (0, 1):",
        "    for past_the_end in (0,):",
        f"{CARRIES}::test_addresses_that_the_program_stored_lead_into_the_new_one",
    ),
    (
        "the compiler's own labels are taken for names",
        CARRYING,
        'symbol and symbol[:2] != ".L"',
        "symbol",
        f"{CARRIES}::test_an_address_that_has_no_place_in_the_new_one_is_refused_by_name",
    ),
    (
        "of sections of one name the first one's place is everybody's",
        CARRYING,
        "        left.remove(now)\n",
        "",
        f"{CARRIES}::test_sections_of_one_name_keep_apart",
    ),
    (
        "what a user has stored since is replaced",
        REPLACING,
        "            if now == user.object.relocated[user][offset]:\n",
        "            if True:\n",
        f"{CARRIES}::test_what_a_user_has_stored_in_the_place_of_an_address_stays",
    ),
    (
        "what was replaced goes although somebody's data lead into it",
        OBJECTS,
        "        if leads_into(LOADED.objects, each):\n",
        "        if False:\n",
        f"{CARRIES}::test_the_old_one_stays_while_an_address_of_it_is_among_somebodys_data",
    ),
    (
        "code goes while other code runs",
        OBJECTS,
        "    if functions_running():",
        "    if False:",
        f"{CARRIES}::test_under_a_callback_code_stays_where_it_is",
    ),
    (
        "a call of machine code that was left by an exception counts as running for ever",
        "port/views/function.c",
        "    functions_running--;\n    nlr_jump",
        "    nlr_jump",
        f"{CARRIES}::test_where_a_fault_is_answered_code_stays_where_it_is",
    ),
]
