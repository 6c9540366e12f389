"""Small faults in what follows from the number of levels of tables, and in how it is chosen."""

DEPTH = "port/boot/depth.c"
PAGING = "port/hardware/paging.c"
MODE = "kernel/memory_structs/mode.py"
TECHNIQUES = "kernel/paging/techniques.py"
ADDRESSES = "tests/paging/test_five_levels.py"
TECHNIQUE_TEST = f"{ADDRESSES}::test_every_technique_maps_the_new_addresses_and_takes_them_back"
BOOT = "tests/boot/test_five_levels.py"
STRUCTS = "tests/structs/test_five_levels.py"

MUTANTS = [
    (
        "the walk of a fault begins at level 4 whatever the depth",
        "port/faults/walk.c",
        "    unsigned level = paging_levels();\n",
        "    unsigned level = 4;\n",
        f"{ADDRESSES}::test_a_fault_names_the_level_at_which_the_way_ends",
    ),
    (
        "natives know the hole of 48 bits only",
        PAGING,
        "pages_of_level(paging_mode.levels + 1) << PAGE_BITS >> 1",
        "pages_of_level(5) << PAGE_BITS >> 1",
        TECHNIQUE_TEST,
    ),
    (
        "the physical window begins where four levels have it",
        PAGING,
        "(pages_of_level(paging_mode.levels) << PAGE_BITS)",
        "(pages_of_level(4) << PAGE_BITS)",
        f"{BOOT}::test_what_the_kernel_runs_on_is_there_once",
    ),
    (
        "an address has 48 bits whatever the depth",
        MODE,
        "VIRTUAL_BITS = PAGE_SHIFT + INDEX_BITS * LEVELS",
        "VIRTUAL_BITS = 48",
        STRUCTS,
    ),
    (
        "page numbers get their sign bits from bit 47 of the address whatever the depth",
        MODE,
        "    return page | UPPER_HALF_FIRST_PAGE if page >= LOWER_HALF_PAGES else page\n",
        "    return page | UPPER_HALF_FIRST_PAGE if page >> 35 & 1 else page\n",
        STRUCTS,
    ),
    (
        "a recursive slot shows tables by the 36 lowest bits of a page number only",
        TECHNIQUES,
        "(page & (1 << 9 * LEVELS) - 1) >> 9 * level",
        "(page & (1 << 36) - 1) >> 9 * level",
        TECHNIQUE_TEST,
    ),
    (
        "a recursive slot comes into an address in the order of four levels",
        TECHNIQUES,
        "slot << 9 * (LEVELS - 1 - step)",
        "slot << 9 * (3 - step)",
        TECHNIQUE_TEST,
    ),
    (
        "the temporary technique has the two tables that four levels need",
        TECHNIQUES,
        "take_frames(frame_allocator, LEVELS - 2)",
        "take_frames(frame_allocator, 2)",
        TECHNIQUE_TEST,
    ),
    (
        "another processor comes up with four levels",
        "port/processors/starting.c",
        "    words->cr4 |= cr4_read() & CR4_LA57;\n",
        "",
        f"{BOOT}::test_other_processors_come_up_in_the_mode_in_force",
    ),
    (
        "five levels are entered whether the CPU has them or not",
        DEPTH,
        "    return out[2] >> 16 & 1;\n",
        "    return true;\n",
        f"{BOOT}::test_a_cpu_without_them_says_so_and_has_four",
    ),
    (
        "a number of levels with something behind it is taken",
        DEPTH,
        "size != 1 || ",
        "",
        f"{BOOT}::test_what_is_no_number_of_levels_is_refused",
    ),
    (
        "the shared tables are looked for at level 3",
        "kernel/paging/protection.py",
        "        elif level == LEVELS - 1:\n",
        "        elif level == 3:\n",
        f"{ADDRESSES}::test_the_tables_that_all_roots_share_are_below_the_root",
    ),
    (
        "the window's tables of level 3 are the kernel's where they are shared only",
        "kernel/paging/protection.py",
        "        if level == LARGEST_PAGE_LEVEL:\n",
        "        if False:\n",
        f"{ADDRESSES}::test_the_window_is_the_kernels_wherever_it_shows_ram",
    ),
    (
        "a root that goes gives back the tables of the first 128 TiB only",
        "kernel/memory/mappings/table_frames.py",
        "TRANSLATED_PAGES // 2 - 1, ANYBODYS",
        "(1 << 35) - 1, ANYBODYS",
        f"{ADDRESSES}::test_a_root_gives_back_what_the_paging_layer_left_in_it",
    ),
    (
        "ring 3's code is below a root of four levels",
        "port/faults/probe_tables.c",
        "    for (unsigned level = 1; level < paging_levels(); level++) {\n        user_tables",
        "    for (unsigned level = 1; level < 4; level++) {\n        user_tables",
        f"{ADDRESSES}::test_a_fault_names_the_level_at_which_the_way_ends",
    ),
]
