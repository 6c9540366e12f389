"""Small faults in putting things back when trouble comes in the middle."""

MAPPED = "kernel/memory/mappings/mapped_pages.py"
TABLE_FRAMES = "kernel/memory/mappings/table_frames.py"
INJECTION = "tests/memory/mappings/test_injection.py"
TROUBLE = INJECTION + "::test_trouble_at_every_point_leaves_all_as_before_or_as_after"

MUTANTS = [
    (
        "a failed map keeps the frames that were lent for tables",
        TABLE_FRAMES,
        "            take_back(pool, job)\n            if run ==",
        "            if run ==",
        "tests/memory/mappings/test_wished_address.py::test_want_of_the_last_frame_leaves_everything_as_it_was",
    ),
    (
        "a failed map to several runs keeps the first ones",
        "kernel/memory/mappings/data_frames.py",
        "            owner.drop()\n        raise\n    return owners\n",
        "            owner._state[0] = -1\n        raise\n    return owners\n",
        f"'{TROUBLE}[map to frames that do not touch]'",
    ),
    (
        "a failed create keeps its pages",
        "kernel/memory/mappings/creating.py",
        "            if page >= 0:\n                give(tree, page, count)\n",
        "",
        TROUBLE + "[create_mapping]",
    ),
    (
        "Ctrl-C gets into the middle of unmapping",
        MAPPED,
        "    @undisturbed\n    def _drop_in_steps(self):\n",
        "    def _drop_in_steps(self):\n",
        f"'{TROUBLE}[drop of many]'",
    ),
    (
        "a guarded stretch may run out of stack",
        "port/runtime/_critical.c",
        "#define ROOM_ON_STACK   0x6000\n#define ROOM_ON_PYSTACK 0x2000\n",
        "#define ROOM_ON_STACK   0\n#define ROOM_ON_PYSTACK 0\n",
        f"{TROUBLE}[create_mapping] '{TROUBLE}[drop of many]'",
    ),
]
