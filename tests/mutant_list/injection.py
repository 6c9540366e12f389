"""Small faults in putting things back when trouble comes in the middle."""

MAPPER = "kernel/memory/mappings/mapper.py"
MAPPED = "kernel/memory/mappings/mapped_pages.py"
TABLE_FRAMES = "kernel/memory/mappings/table_frames.py"
INJECTION = "tests/memory/mappings/test_injection.py"

MUTANTS = [
    (
        "a failed map keeps the frames that were lent for tables",
        TABLE_FRAMES,
        "            take_back(pool, job)\n            raise OutOfFrames(",
        "            raise OutOfFrames(",
        INJECTION,
    ),
    (
        "a failed map to several runs keeps the first ones",
        "kernel/memory/mappings/data_frames.py",
        "            owner.drop()\n        raise\n    return owners\n",
        "            owner._state[0] = -1\n        raise\n    return owners\n",
        INJECTION,
    ),
    (
        "a failed create keeps its pages",
        MAPPER,
        "        if page >= 0:\n            give(self._page_tree, page, count)\n",
        "",
        INJECTION,
    ),
    (
        "Ctrl-C gets into the middle of unmapping",
        MAPPED,
        "    @undisturbed\n    def _drop_in_steps(self):\n",
        "    def _drop_in_steps(self):\n",
        INJECTION,
    ),
    (
        "a guarded stretch may run out of stack",
        "port/runtime/_critical.c",
        "#define ROOM_ON_STACK   0x6000\n#define ROOM_ON_PYSTACK 0x2000\n",
        "#define ROOM_ON_STACK   0\n#define ROOM_ON_PYSTACK 0\n",
        INJECTION,
    ),
]
