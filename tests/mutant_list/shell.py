"""Small faults in what the machine shows and asks."""

EXERCISES = "kernel/shell/exercises.py"
PICTURE = "kernel/diagnostics/picture.py"
TEXT = "kernel/diagnostics/text.py"
TERMINAL = "kernel/shell/terminal.py"
SCREENS = "tests/shell/test_screens.py::test_every_screen_fits_and_no_word_is_broken"
FORGIVING = "tests/shell/test_forgiving.py"

MUTANTS = [
    (
        "exercise 4 forbids execution only where all levels do",
        EXERCISES,
        "executable = not any(",
        "executable = not all(",
        "tests/shell/test_tour.py::test_the_answers_are_those_of_the_host",
    ),
    (
        "exercise 5 counts the byte behind the buffer",
        EXERCISES,
        "first, last = start >> 12, start + length - 1 >> 12",
        "first, last = start >> 12, start + length >> 12",
        "tests/shell/test_tour.py::test_the_edges_of_pages_are_counted_as_the_host_does",
    ),
    (
        "exercise 6 forgets a P2 table",
        EXERCISES,
        "p2_tables = (last >> 18) - (first >> 18) + 1",
        "p2_tables = (last >> 18) - (first >> 18)",
        "tests/shell/test_tour.py::test_the_answers_are_those_of_the_host",
    ),
    (
        "exercise 7 counts the faults of another policy",
        EXERCISES,
        'for policy in ("fifo", "clock")]',
        'for policy in ("fifo", "fifo")]',
        "tests/shell/test_tour.py::test_the_answers_are_those_of_the_host",
    ),
    (
        "the picture loses the last cell of a stretch",
        PICTURE,
        "range(start, end + 1)",
        "range(start, end)",
        "tests/shell/test_shown_memory.py::test_each_cell_of_the_picture_is_what_lies_there",
    ),
    (
        "the picture loses the last cell of all",
        PICTURE,
        "range((count + step - 1) // step))",
        "range(count // step))",
        "tests/shell/test_shown_memory.py::test_each_cell_of_the_picture_is_what_lies_there",
    ),
    (
        "the effective rights are those of the page alone",
        "kernel/paging/translation.py",
        "rights_in(path, level, LEVELS)",
        "rights_in(path, level, level)",
        "tests/paging/test_walk.py::test_each_level_has_its_say_in_the_rights_that_are_left",
    ),
    (
        "`idt` shows another ring",
        "kernel/diagnostics/descriptors.py",
        "self.ring = low >> 45 & 3",
        "self.ring = low >> 46 & 3",
        "tests/shell/test_shown_paging.py::test_each_gate_is_shown_as_it_lies_in_ram",
    ),
    (
        "lines are broken where the screen ends, not between words",
        TEXT,
        'place = line.rfind(" ", begin, width + 1)',
        "place = width",
        SCREENS,
    ),
    (
        "pages are counted in lines, not in rows of the screen",
        TERMINAL,
        "        for line in self.lines_of(view):\n            for row in self._rows_of(line):\n",
        "        for line in self.lines_of(view):\n            for row in (line,):\n",
        SCREENS,
    ),
    (
        "what a string takes of the page is forgotten",
        "kernel/shell/prompt.py",
        "TERMINAL.put(repr(value))",
        "print(repr(value))",
        "tests/shell/test_screens.py::test_every_step_of_the_tour_fits",
    ),
    (
        "the rows of one input count on the next one's page",
        "kernel/shell/prompt.py",
        "    TERMINAL.begin()\n    try:\n",
        "    try:\n",
        SCREENS,
    ),
    (
        "what was typed instead of a terminal's answer is half lost",
        TERMINAL,
        "console.unread(len(text) + 1)",
        "console.unread(1)",
        "tests/shell/test_terminal.py::test_what_is_typed_instead_of_an_answer_is_not_lost",
    ),
    (
        "unread gives one byte back, however many were asked for",
        "port/console/uart.c",
        "ring_out -= count",
        "ring_out -= 1",
        "tests/natives/test_contracts.py::test_unread_bytes_come_again_before_what_came_since",
    ),
    (
        "`import *` does not look at __all__",
        "port/runtime/imports.c",
        "if (found[0] == MP_OBJ_NULL) {",
        "if (found[0] != module) {",
        "tests/house/test_faces.py::test_import_star_brings_what_is_promised_and_no_module",
    ),
    (
        "a step of the tour out of order has nothing to work with",
        "kernel/shell/tour.py",
        "() if number in (1, self.next) else range(1, number)",
        "()",
        "tests/shell/test_tour.py::test_a_step_out_of_order_has_what_the_steps_before_it_make",
    ),
    (
        "`dump m` shows the first page alone",
        "kernel/diagnostics/places.py",
        "(length or PAGE_SIZE) - 1",
        "PAGE_SIZE - 1",
        FORGIVING + "::test_dump_takes_a_place_with_all_that_belongs_to_it",
    ),
    (
        "a frame is taken for a virtual address",
        "kernel/diagnostics/places.py",
        "return VirtualAddress(window_address(place.value)) if isinstance(place, PhysicalAddress) else place",
        "return VirtualAddress(place.value) if isinstance(place, PhysicalAddress) else place",
        FORGIVING + "::test_whatever_has_an_address_is_one",
    ),
    (
        "functions that call each other in turn fill the screen",
        "port/console/traceback.c",
        "#define LONGEST_CYCLE 8",
        "#define LONGEST_CYCLE 1",
        FORGIVING + "::test_a_recursion_is_told_once",
    ),
    (
        "Tab reads attributes to find their names",
        "kernel/shell/user.py",
        "    return sorted(set(names)) if is_known else dir(value)",
        "    return dir(value)",
        "tests/shell/test_editing.py::test_tab_asks_no_object_for_what_it_has",
    ),
    (
        "a command that was called stays among the user's names",
        "kernel/shell/prompt.py",
        "            del NAMES[word]\n",
        "            pass\n",
        FORGIVING + "::test_a_command_can_be_called_where_a_line_begins",
    ),
    (
        "`entries` joins what leads elsewhere",
        "kernel/diagnostics/walks.py",
        "entry.value - before.value == frames << PAGE_SHIFT",
        "entry.value > before.value",
        "tests/shell/test_shown_paging.py::test_entries_lists_the_root_as_it_lies_in_ram",
    ),
]
