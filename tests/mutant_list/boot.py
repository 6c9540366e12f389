"""Small faults in the table that the kernel boots onto."""

TABLES = "kernel/memory/mappings/page_table.py"
INIT = "kernel/memory/init.py"
BOOT_TESTS = "tests/boot/test_clean_table.py"

MUTANTS = [
    (
        "the parent of a window page is left executable",
        TABLES,
        "word = 0b11 if is_executable_entry(index) else RECURSIVE_WORD",
        "word = 0b11",
        BOOT_TESTS,
    ),
    (
        "the image stays writable in the window",
        INIT,
        '(first, end, "r--")',
        '(first, end, "rw-")',
        BOOT_TESTS,
    ),
    (
        "the identity mapping is not dropped",
        INIT,
        "            entries.clear(entry_in_window(self._page_table.root, 0), 1)\n",
        "",
        BOOT_TESTS,
    ),
    (
        "a guard page is mapped",
        INIT,
        "            first = guard + 1\n",
        "            first = guard\n",
        BOOT_TESTS,
    ),
    (
        "emitted code stays writable where it is linked",
        "port/boot/_boot.c",
        'new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "r--")',
        'new_section("emitted source", __emitted_start, __emitted_end, (uint64_t)__emitted_start, "rw-")',
        BOOT_TESTS,
    ),
]
