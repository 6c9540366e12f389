"""Random mutants that change nothing anybody could see, by their key (tools/mutations.py), each with the reason.

A key has the file, the function, the operator and the line before and after, so it stays when lines move, and falls out
of use, which tests/self/test_mutations.py says, when the line itself changes.
"""

EQUIVALENT = {
    "port/faults/probe.c:probe_begin: constant: gates[vector] = gate_to(probe_stubs[vector], "
    "GATE_INTERRUPT | (vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 0), 0); -> gates[vector] = gate_to("
    "probe_stubs[vector], GATE_INTERRUPT | (vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 0), 1);": (
        "the probe's stubs leave whatever stack they come on at once, and nobody uses that of page faults then"
    ),
}
