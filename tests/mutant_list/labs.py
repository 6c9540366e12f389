"""Small faults in what judges students, and in the exercises."""

EXERCISES = "kernel/shell/exercises.py"
STUDENT = "tools/labs/student.py"
GUARD = "tools/labs/guard.py"
WRONG = "tests/labs/test_labs.py::test_a_grader_tells_right_from_wrong"
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
        "time.monotonic() + self.limit_s\n",
        "time.monotonic() + 60\n",
        f"{FILES}::test_make_lab_says_what_came_of_a_file[loop]",
    ),
    (
        "a student's file may print without end",
        STUDENT,
        "if self.printed > OUTPUT_LIMIT_IN_BYTES:",
        "if self.printed > OUTPUT_LIMIT_IN_BYTES << 10:",
        f"{FILES}::test_make_lab_says_what_came_of_a_file[flood]",
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
        GUARD,
        "if value is not free and now.get(key) is not value:",
        "if False:",
        FOOLED,
    ),
    (
        "builtins that a student's file replaced go unnoticed",
        GUARD,
        "if were_plain[place] is not value:",
        "if False:",
        FOOLED,
    ),
    (
        "the guard answers whoever asks",
        GUARD,
        "if kind_of(given) is not kind_of(key) or given != key:",
        "if given != key:",
        FOOLED,
    ),
    (
        "a guard that was replaced goes unnoticed",
        GUARD,
        'if whole.__dict__.get("NAME") is not act:',
        "if False:",
        FOOLED,
    ),
    (
        "a name that hides a builtin in one module of the kernel's goes unnoticed",
        GUARD,
        "is_kind(value) and key in plain\n",
        "False\n",
        FOOLED,
    ),
    (
        "a method that was replaced until it is called goes unnoticed",
        "tools/labs/touching.py",
        "    student.check_kernel()\n    found",
        "    found",
        f"{WRONG}[lazy]",
    ),
    (
        "what the grader gave a file can be replaced",
        GUARD,
        "            if own.get(name) is not value:\n",
        "            if False:\n",
        f"{WRONG}[translate]",
    ),
    (
        "an allocator of the kernel's can be replaced as a whole",
        GUARD,
        "return makes_names or",
        "return",
        FOOLED,
    ),
    (
        "an object that a module of the kernel's uses can be replaced",
        GUARD,
        "is_kind(value) or is_a(owner, kind_of(memory)) and has",
        "is_kind(value) or False and has",
        FOOLED,
    ),
    (
        "SystemExit ends the machine's answer",
        GUARD,
        "except no as error:",
        "except Exception as error:",
        f"{FILES}::test_make_lab_says_what_came_of_a_file[raised]",
    ),
    (
        "output is shown when the file has ended",
        STUDENT,
        "            shown.so_far(data, mark)\n",
        "            if data.count(mark) == 2: shown.so_far(data, mark)\n",
        f"{FILES}::test_output_comes_at_once_and_ctrl_c_leaves_nothing",
    ),
    (
        "a file's letters can move the cursor of whoever grades",
        "tools/labs/report.py",
        "letter if letter.isprintable() else ascii(letter)[1:-1]",
        "letter",
        FOOLED,
    ),
    (
        "an interrupted grading goes on with the next file",
        "tools/grade.py",
        "        Worker.is_interrupted = True\n",
        "",
        f"{FILES}::test_a_grading_that_is_interrupted_ends_all_of_it",
    ),
    (
        "the JUnit XML leaves out what can't be read",
        "tools/grade.py",
        "        root.extend(ElementTree.fromstring(text))\n",
        "        root.extend(each for each in ElementTree.fromstring(text) if each.get('failures') != '0')\n",
        FOOLED,
    ),
    (
        "graders draw the same each time",
        "docs/labs/rights/grade.py",
        "return student.numbers.sample(found, len(found))",
        "return sorted(found, key=lambda bits: (bits >> 1 & 1, bits >> 2 & 1, bits >> 63))",
        f"{WRONG}[rights]",
    ),
    (
        "after a call of a technique the CPU is not asked what it sees through a slot",
        "docs/labs/technique/grade.py",
        'assert seen == wanted, "after a call the CPU',
        'assert True, "after a call the CPU',
        f"{WRONG}[technique]",
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
