"""Small faults in what the machine shows and asks."""

EXERCISES = "kernel/shell/exercises.py"
PICTURE = "kernel/diagnostics/picture.py"

MUTANTS = [
    (
        "exercise 4 forbids execution only where all levels do",
        EXERCISES,
        "executable = int(not any(",
        "executable = int(not all(",
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
        "for policy in (fifo, clock)]",
        "for policy in (fifo, fifo)]",
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
        "range((count + self.step - 1) // self.step))",
        "range(count // self.step))",
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
]
