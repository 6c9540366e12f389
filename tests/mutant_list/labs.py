"""Small faults in what judges students, and in the exercises."""

EXERCISES = "kernel/shell/exercises.py"
STUDENT = "tools/labs/student.py"
FILES = "tests/labs/test_files.py"
FOOLED = f"{FILES}::test_a_grader_is_not_fooled_and_goes_on"
SAME = "tests/shell/test_exercises.py::test_a_seed_is_the_same_on_every_machine"
SOLUTION = "tests/shell/test_exercises.py::test_the_solution_ends_with_what_is_right"

MUTANTS = [
    (
        "a check of a lab passes whatever was found",
        "tools/labs/points.py",
        "return 0 if self.found else self.of",
        "return self.of",
        f"{FOOLED} tests/labs/test_labs.py",
    ),
    (
        "a student's file may run for ever",
        STUDENT,
        "self.guard.call(kind, *words), self.limit_s)",
        "self.guard.call(kind, *words), 60)",
        f"{FILES}::test_make_lab_says_what_came_of_a_file[loop]",
    ),
    (
        "a student's file may print without end",
        STUDENT,
        "if self.printed > OUTPUT_LIMIT_IN_BYTES:",
        "if self.printed > OUTPUT_LIMIT_IN_BYTES << 10:",
        f"{FILES}::test_output_without_end_is_cut_off",
    ),
    (
        "the end of a file by exit is taken for a crash",
        STUDENT,
        "status // 2 >= EXIT_BASE:",
        "status // 2 > EXIT_BASE << 4:",
        f"{FILES}::test_make_lab_says_what_came_of_a_file[exit]",
    ),
    (
        "what a student's file replaced in the kernel goes unnoticed",
        "tools/labs/guard.py",
        "if now.get(key) is not value:",
        "if key not in now:",
        FOOLED,
    ),
    (
        "builtins that a student's file replaced go unnoticed",
        "tools/labs/guard.py",
        "if value_of(name, {}) is not value:",
        "if False:",
        FOOLED,
    ),
    (
        "the handout has the solutions",
        "tools/handout.py",
        'KEPT_BACK = ("reference", ',
        "KEPT_BACK = (",
        "tests/labs/test_handout.py::test_it_holds_no_solution",
    ),
    (
        "the handout lacks the host's walk",
        "tools/handout.py",
        '"tests/harness", "tests/oracle")',
        '"tests/harness")',
        "tests/labs/test_handout.py::test_it_grades_by_itself",
    ),
    (
        "the numbers of exercise 3 depend on who has mapped what",
        EXERCISES,
        "pages = allocate_pages_at(start, count)",
        "pages = memory.allocate_pages(count)",
        SAME,
    ),
    (
        "the answer of exercise 3 depends on which RAM is free",
        EXERCISES,
        "frames = allocate_frames_at(frame, count)",
        "frames = memory.allocate_frames(count)",
        SAME,
    ),
    (
        "an exercise keeps its pages when the next one is given",
        "kernel/shell/exercise_commands.py",
        "        DESK.exercise.end()\n",
        "        pass\n",
        "tests/shell/test_tour.py::test_exercises_are_given_and_checked_at_the_prompt",
    ),
    (
        "a physical address is as good an answer as a virtual one",
        "kernel/shell/answers.py",
        "if found not in (kind, NUMBER):\n        return False",
        "if found is None:\n        return False",
        SOLUTION,
    ),
    (
        "SEEDS may run backwards",
        "tools/settings.py",
        "or not numbers or numbers[-1]",
        "or numbers and numbers[-1]",
        "tests/tools/test_settings.py::test_a_value_that_cannot_be_meant_is_one_line",
    ),
]
