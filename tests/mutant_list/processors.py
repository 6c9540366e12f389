"""Small faults around the other processors: how they start, their jobs, what they are told to forget, how they end."""

STARTING = "kernel/processors/starting.py"
ONE = "kernel/processors/one.py"
PROCESSORS = "port/processors/processors.c"
SHOOTDOWN = "port/processors/shootdown.c"
VIPER = "port/processors/viper.c"
PATHS = "tests/boot/test_paths.py::test_every_loader_reaches_the_same_prompt_with_the_same_control_registers"
COME = "tests/processors/test_starting.py"
ROWS = "tests/processors/test_jobs.py::test_on_two_processors"
TROUBLE = "tests/processors/test_trouble.py"
BOCHS = "tests/processors/test_bochs.py"

MUTANTS = [
    (
        "processors that the firmware had running are not sent back first",
        STARTING,
        "        processors.send(apic_id, INIT)\n    time.sleep_ms(AFTER_INIT_MS)",
        "        pass\n    time.sleep_ms(AFTER_INIT_MS)",
        PATHS,
    ),
    (
        "the page where processors begin is not put back",
        STARTING,
        "    write_bytes(address_in_window(frame), saved)\n",
        "",
        f"{COME}::test_low_memory_is_afterwards_what_it_was",
    ),
    (
        "processors that are not enabled count",
        STARTING,
        "if flags & ENABLED and apic_id not in found",
        "if apic_id not in found",
        f"{COME}::test_low_memory_is_afterwards_what_it_was",
    ),
    (
        "a processor keeps the memory types that it woke up with",
        STARTING,
        "        numbers.append(MTRR_DEFAULT)\n",
        "",
        PATHS,
    ),
    (
        "a frame of a processor's block is handed out after a soft reset",
        STARTING,
        "not processors.keep_frames(first, count):",
        "not count:",
        f"{TROUBLE}::test_the_blocks_stay_taken",
    ),
    (
        "a parked processor is still told of changes",
        PROCESSORS,
        "    __atomic_and_fetch(&processors_attached, ~(1UL << self->number), __ATOMIC_SEQ_CST);\n",
        "",
        ROWS,
    ),
    (
        "a processor that is attached again keeps GLOBAL translations",
        PROCESSORS,
        "    cr4_write(self->cr4 ^ CR4_PGE);\n",
        "",
        BOCHS,
    ),
    (
        "a shootdown ends one page short",
        SHOOTDOWN,
        "left = request.count; left != 0; left--",
        "left = request.count; left > 1; left--",
        ROWS,
    ),
    (
        "everything that is to be forgotten leaves GLOBAL translations out",
        SHOOTDOWN,
        "        cr4_write(value ^ CR4_PGE);\n        cr4_write(value);\n",
        "        cr3_write(cr3_read() + 0 * value);\n",
        BOCHS,
    ),
    (
        "a shootdown of the lower half goes to the wrong root",
        SHOOTDOWN,
        "->root != root) << number",
        "->root == root) << number",
        ROWS,
    ),
    (
        "the processor that is named is the wrong one",
        SHOOTDOWN,
        "(unsigned)__builtin_ctzl(request.pending)",
        "(unsigned)__builtin_popcountl(request.pending) + 1",
        f"{TROUBLE}::test_who_is_deaf_to_a_shootdown_is_named",
    ),
    (
        "a processor that waits for an answer hears of no change",
        PROCESSORS,
        "    while (self->answer == ANSWER_NONE && !self->stop) {\n        interrupts_wait();",
        "    while (self->answer == ANSWER_NONE && !self->stop) {\n        processor_pause();",
        ROWS,
    ),
    (
        "a job is ended in the middle of a handler",
        PROCESSORS,
        "self->recover != 0 && self->handlers == 0 && !in_stub",
        "self->recover != 0 && !(in_stub && false)",
        f"{BOCHS} {ROWS}",
    ),
    (
        "a soft reset leaves the others at their jobs",
        "port/main.c",
        "    processors_park_all();\n",
        "",
        f"{TROUBLE}::test_a_soft_reset_parks_it_whatever_it_does",
    ),
    (
        "a viper function on another processor may make lists",
        VIPER,
        "    table[MODULO] =",
        "    table[20] = ((const void **)&mp_fun_table)[20];\n    table[MODULO] =",
        ROWS,
    ),
    (
        "machine code on another processor may call Python",
        "port/runtime/callback.c",
        "    if (processors_online != 0) {\n",
        "    if (false) {\n",
        ROWS,
    ),
    (
        "a page table is dropped while a processor is on it",
        "kernel/memory/mappings/page_table.py",
        "            if root == self.root:\n",
        "            if root == self.root + 1:\n",
        ROWS,
    ),
    (
        "a handler that says retry for ever is asked for ever",
        ONE,
        "self._times + 1 if registers == self._asked_at else 0",
        "0",
        ROWS,
    ),
    (
        "Ctrl-C leaves the job running",
        ONE,
        "            if self.is_busy:\n                self.stop()\n            raise",
        "            raise",
        f"{TROUBLE}::test_ctrl_c_ends_a_job",
    ),
    (
        "stale asks nobody else",
        "kernel/diagnostics/stale.py",
        "    if OTHERS not in sys.modules:",
        "    if OTHERS is not None:",
        ROWS,
    ),
    (
        "any number of CPUs is taken",
        "tools/settings.py",
        "1 <= int(value) <= MOST_PROCESSORS",
        "1 <= int(value)",
        "tests/tools/test_settings.py",
    ),
]
