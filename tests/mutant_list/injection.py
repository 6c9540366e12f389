"""Small faults in putting things back when trouble comes in the middle."""

from mutant_list.mappings import MAPPING_TESTS

MAPPINGS = "port/modules/_mappings.c"
MAPPER = "kernel/memory/mapper.py"
INJECTION = "tests/memory/mappings/test_injection.py"

MUTANTS = [
    (
        "a failed map keeps the frames that were lent for tables",
        MAPPER,
        "        except BaseException:\n            self._take_tables_back()\n            raise\n",
        "        except BaseException:\n            raise\n",
        INJECTION,
    ),
    (
        "a failed map of several runs leaves the first ones mapped",
        MAPPER,
        "            if done:\n                detach(self.root, page, done)\n",
        "            if False:\n                detach(self.root, page, done)\n",
        INJECTION + " " + MAPPING_TESTS,
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
        MAPPINGS,
        "    critical_hold();\n    return MP_OBJ_NEW_SMALL_INT(first >> 12 << 1 | (emptied != 0));",
        "    return MP_OBJ_NEW_SMALL_INT(first >> 12 << 1 | (emptied != 0));",
        INJECTION,
    ),
    (
        "a guarded stretch may run out of stack",
        "port/modules/_critical.c",
        "#define ROOM_ON_STACK   0x6000\n#define ROOM_ON_PYSTACK 0x2000\n",
        "#define ROOM_ON_STACK   0\n#define ROOM_ON_PYSTACK 0\n",
        INJECTION,
    ),
]
