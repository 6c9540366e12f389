"""Small faults in page faults and other traps."""

MUTANTS = [
    (
        "a trap may be raised while another one is",
        "port/faults/traps.c",
        "    if (raising) {\n",
        "    if (false) {\n",
        "tests/faults/test_mechanism.py",
    ),
]
