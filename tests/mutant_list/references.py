"""Small faults in what the references promise: the post's code, Theseus's chapters, the SDM's words."""

POST = "tests/paging/test_post_code.py::"
THESEUS = "tests/memory/test_words_of_theseus.py::"
FRAMES = "kernel/paging/frame_allocators.py"

MUTANTS = [
    (
        "an offset at which the root is not seen is taken",
        "kernel/paging/techniques.py",
        "Protection.live.frame_at(page + frame) != frame:",
        "False:",
        POST + "test_an_offset_at_which_the_table_is_not_seen_is_refused",
    ),
    (
        "a lower table is taken for a root",
        "kernel/paging/entries.py",
        "        if self.level != LEVELS:\n",
        "        if False:\n",
        POST + "test_an_offset_at_which_the_table_is_not_seen_is_refused",
    ),
    (
        "the post's allocator keeps its frames when it can't be made",
        FRAMES,
        "            owned.drop()\n            raise\n",
        "            raise\n",
        POST + "test_init_leaves_nothing_behind_when_it_fails",
    ),
    (
        "usable_frames leaves out the last frame of a piece",
        FRAMES,
        "            for number in range(first, end):\n",
        "            for number in range(first, end - 1):\n",
        POST + "test_page_0_and_a_new_region_are_mapped_with_the_frames_of_the_memory_map",
    ),
    (
        "what is no RAM may not be written and executed without an owner",
        "kernel/memory/audit/claims.py",
        "    steps[OUTSIDE] = OUTSIDE\n",
        "",
        "tests/memory/audit/test_claims.py "
        + POST
        + "test_page_0_and_a_new_region_are_mapped_with_the_frames_of_the_memory_map",
    ),
    (
        "an unowned page that is written and executed is listed like any other",
        "kernel/memory/audit/unowned.py",
        'words = ", writable and executable"',
        '""',
        "tests/memory/audit/test_claims.py",
    ),
    (
        "the end of a page is its last byte",
        "kernel/memory_structs/chunks.py",
        "return self.start_address + self._size.size_in_bytes\n",
        "return self.start_address + (self._size.size_in_bytes - 1)\n",
        "tests/structs/test_ranges.py",
    ),
    (
        "a page contains the address behind its end",
        "kernel/memory_structs/chunks.py",
        "return self._number <= self._number_of(address) <= self.last_number",
        "return self._number <= self._number_of(address) <= self.last_number + 1",
        THESEUS + "test_the_chapters_say_what_is_so",
    ),
    (
        "contents are kept unasked",
        "kernel/memory/mappings/mapped_pages.py",
        "                if keep_contents:\n",
        "                if True:\n",
        "tests/memory/mappings/test_special_mappings.py::test_parts_that_keep_their_contents_are_mapped_again_as_they_were",
    ),
    (
        "merged with kept frames, another owner's contents are kept",
        "kernel/memory/allocators/owners.py",
        "            if others[CONSUMER] is not KEPT:\n                state[CONSUMER] = DROP\n",
        "",
        "tests/memory/mappings/test_special_mappings.py::test_parts_that_keep_their_contents_are_mapped_again_as_they_were",
    ),
    (
        "P is clear in the error code of a reserved bit",
        "kernel/faults/error_code.py",
        "return self.value & (PRESENT | RESERVED) != 0",
        "return self.value & PRESENT != 0",
        "tests/faults/test_typed.py::test_an_error_code_has_a_name_for_each_of_its_bits",
    ),
    (
        "an error code's bit for SGX is another one",
        "kernel/faults/error_code.py",
        "1 << 6, 1 << 7, 1 << 15",
        "1 << 6, 1 << 7, 1 << 14",
        "tests/faults/test_typed.py::test_an_error_code_has_a_name_for_each_of_its_bits",
    ),
]
