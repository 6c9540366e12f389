"""Small faults in `create_mapping_at`."""

WISHED = "kernel/memory/wished_address.py"
WISHED_TESTS = "tests/memory/mappings/test_wished_address.py"

MUTANTS = [
    (
        "a refused create_mapping_at keeps the page",
        WISHED,
        "                give(page_tree, page_run, count)\n",
        "                pass\n",
        WISHED_TESTS,
    ),
    (
        "a refused create_mapping_at keeps the frame",
        WISHED,
        "                if frame_run >= 0:\n",
        "                if False:\n",
        WISHED_TESTS,
    ),
    (
        "a refused create_mapping_at in steps keeps the pages",
        WISHED,
        "            pages.drop()\n",
        "            pass\n",
        WISHED_TESTS,
    ),
    (
        "create_mapping_at maps the lower half in the kernel's table",
        WISHED,
        "table = mapper._kernel if page >= UPPER_HALF else mapper",
        "table = mapper._kernel",
        WISHED_TESTS,
    ),
    (
        "create_mapping_at counts fewer owners of tables",
        WISHED,
        "    add_owners(frame_tree, needed - 1)",
        "    add_owners(frame_tree, 0)",
        WISHED_TESTS,
    ),
]
