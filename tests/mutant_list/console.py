"""Small faults in what the machine does for who sits at it: the serial line, files, commands."""

UART = "port/console/uart.c"
INTERRUPT = "tests/shell/test_interrupt.py"

MUTANTS = [
    (
        "nobody looks for a Ctrl-C behind what the line holds up",
        "port/console/typed_ahead.c",
        "now_ms - since_ms >= CLAIM_MS",
        "false",
        INTERRUPT + "::test_ctrl_c_is_seen_behind_whatever_was_typed_ahead",
    ),
    (
        "half a line stays when what follows is dropped",
        UART,
        "        dropped += ring_in - end;\n        ring_in = end;\n",
        "",
        INTERRUPT + "::test_what_does_not_fit_is_dropped_by_whole_lines",
    ),
    (
        "nobody counts what a Ctrl-C takes along",
        UART,
        "    dropped += place - ring_out;\n",
        "",
        INTERRUPT + "::test_ctrl_c_is_seen_behind_whatever_was_typed_ahead",
    ),
    (
        "who looks for a Ctrl-C never takes a letter again",
        UART,
        "            line = FLOWING;\n        }\n        if (line",
        "        }\n        if (line",
        INTERRUPT + "::test_what_does_not_fit_is_dropped_by_whole_lines",
    ),
    (
        "a layout's count may be what a type leaves of it",
        "kernel/memory/views/layouts.py",
        "    if count == 0 or (len(value) == 3 and type_number != 0):",
        "    if False:",
        "tests/memory/views/test_access.py::test_a_number_that_does_not_fit_is_refused_with_its_field",
    ),
]
