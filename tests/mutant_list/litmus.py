"""Small faults in litmus tests: what runs them, what judges them, what reads them."""

PROGRAMS = "kernel/litmus/programs.py"
PLACES = "kernel/litmus/places.py"
ORACLE = "tests/oracle/litmus.py"
RUNS = "tests/litmus/test_runs.py::test_all_rows"
MODEL = "tests/litmus/test_model.py"
NAMED = f"{MODEL}::test_what_the_named_tests_say_follows_from_the_model"
TOOL = "tests/tools/test_litmus.py"

MUTANTS = [
    (
        "a shootdown in a litmus test asks nobody else",
        PROGRAMS,
        "            if act.kind == SHOOTDOWN and places.shootdown:\n",
        "            if act.kind == SHOOTDOWN and not places.shootdown:\n",
        RUNS,
    ),
    (
        "a page fault in a litmus test leaves 0 in place of what was read",
        PROGRAMS,
        "        code.long(FAULT)  # mov $, %eax\n",
        "        code.long(0)  # mov $, %eax\n",
        RUNS,
    ),
    (
        "the CPUs of a litmus test begin without waiting for each other",
        PROGRAMS,
        "        self._forget()\n        self._meet()\n",
        "        self._forget()\n",
        RUNS,
    ),
    (
        "a litmus test goes on with the entries of its last run",
        PROGRAMS,
        "            self._store_entry(page, entry)\n        for frame",
        "            pass\n        for frame",
        RUNS,
    ),
    (
        "the results of a litmus test's CPUs lie on one another",
        PROGRAMS,
        "            code.note_result(number, before + number)\n",
        "            code.note_result(number, number)\n",
        RUNS,
    ),
    (
        "a litmus test leaves its entries in the tables",
        PLACES,
        "            words.store64(self.entries[place], raw)\n",
        "            pass\n",
        RUNS,
    ),
    (
        "a stopped program's descriptor table stays with its CPU",
        "port/processors/processors.c",
        "    take_gates();                               // machine code",
        "    // machine code",
        RUNS,
    ),
    (
        "litmus tests that need more CPUs are begun",
        "kernel/litmus/runs.py",
        "    if there < len(test.cpus):\n",
        "    if there < 0:\n",
        "tests/litmus/test_runs.py::test_one_cpu_is_too_few",
    ),
    (
        "the model of litmus tests lets stores wait while a shootdown is answered",
        ORACLE,
        "        if not state.cpus[other].buffer:\n",
        "        if state.cpus:\n",
        NAMED,
    ),
    (
        "the model of litmus tests writes without DIRTY by a translation that is not dirty",
        ORACLE,
        "            if not is_write or (is_writable and is_dirty):\n",
        "            if not is_write or is_writable:\n",
        MODEL,
    ),
    (
        "the model of litmus tests remembers pages that are not accessed",
        ORACLE,
        '    if "P" not in flags or "A" not in flags:\n',
        '    if "P" not in flags:\n',
        NAMED,
    ),
    (
        "the model of litmus tests goes on with what faulted",
        ORACLE,
        " if FAULTS_KEEP in self.relaxations else self.forgotten(",
        " if number >= 0 else self.forgotten(",
        NAMED,
    ),
    (
        "two CPUs of a litmus test shoot down",
        "kernel/litmus/text.py",
        "    if len([each for each in test.cpus if SHOOTDOWN in [act.kind for act in each]]) > 1:\n",
        "    if len([each for each in test.cpus if SHOOTDOWN in [act.kind for act in each]]) > 2:\n",
        "tests/litmus/test_text.py",
    ),
    (
        "only what a test says itself is red in make litmus",
        "tools/litmus.py",
        "        if outcome not in allowed:\n",
        "        if violated(test, outcome):\n",
        TOOL,
    ),
]
