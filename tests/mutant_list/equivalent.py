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
    "port/hardware/_entries.c:entries_unused: compare: if (count > 8 && at[0] == 0 && or_of(at, count) == 0) "
    "{ -> if (count >= 8 && at[0] == 0 && or_of(at, count) == 0) {": (
        "from how many entries on the quick look pays: what it answers is the same"
    ),
    "kernel/paging/access.py:Access.__init__: constant: self._block = bytearray(4 * _WORDS) -> self._block = "
    "bytearray(5 * _WORDS)": ("scratch memory, of which only what was asked for is used"),
    "kernel/diagnostics/bench_allocators.py:module: constant: TIMES = 5 * ROUNDS -> TIMES = 6 * ROUNDS": (
        "how often a row is repeated, and the count is divided by the same number"
    ),
    "kernel/diagnostics/bench_views.py:view_again: constant: mapping = create_mapping(4096, WRITABLE) -> "
    "mapping = create_mapping(4097, WRITABLE)": (
        "the row looks at the first 16 bytes of the mapping, however long that is"
    ),
    "kernel/diagnostics/bench_faults.py:Area.__init__: constant: self.frames = allocate_frames(count + 8) -> "
    "self.frames = allocate_frames(count + 9)": ("frames to spare, which the row gives back with the others"),
    "kernel/memory/allocators/anywhere.py:module: constant: ALIGNED_TRIES = 16 -> ALIGNED_TRIES = 17": (
        "how many runs are tried before a longer one is: as good a number, and any place is right"
    ),
    "kernel/memory/allocators/checks.py:Checks._holder_of: swapped argument: return name, min(end, last) -> "
    "return name, min(last, end)": ("the smaller of two numbers, in either order"),
    "port/faults/probe.c:probe_begin: constant: gates[vector] = gate_to(probe_stubs[vector], GATE_INTERRUPT |"
    " (vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 0), 0); -> gates[vector] = gate_to(probe_stubs[vector], "
    "GATE_INTERRUPT | (vector == VECTOR_BREAKPOINT ? GATE_RING_3 : 1), 0);": (
        "a trap gate for an interrupt gate: the probe has interrupts off all the while"
    ),
    "kernel/paging/leaves.py:agreeing: deleted statement: wanted = room -> pass": (
        "a run that goes on behind its table is looked at page by page then, which finds the same"
    ),
    "port/hardware/_entries.c:and_of: deleted statement: count--; -> ;": (
        "an entry more is looked at: where that one differs, all are looked at one by one, which finds the same"
    ),
    "kernel/memory/mappings/run_lists.py:when_joined: deleted statement: return last[0], first -> pass": (
        "the short way for two single runs: the long way below gives the same numbers"
    ),
    "kernel/memory/allocators/anywhere.py:Anywhere._find: constant: if first >= 0: -> if first >= 1:": (
        "number 0 is never free: neither the first frame nor the first page can be had without asking for it"
    ),
    "port/boot/tables.c:build_kernel: constant: map_image(__text_start, __text_end, 0); -> "
    "map_image(__text_start, __text_end, 1);": ("bit 0 is PRESENT, which map_image sets in every entry anyway"),
}
