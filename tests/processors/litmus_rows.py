"""Litmus tests on machines with two CPUs, whatever machine: each is a function of a kernel."""

import ast

from oracle.litmus import outcomes, violated
from oracle.litmus_texts import all_named, describe

PROGRAM = """
from litmus.families import text_of_test
from litmus.places import Places
from litmus.runs import NotTogether, run
from litmus.text import read_test
import litmus.places
def tried(name, runs, shootdown=True, seed=1):
    with Places() as places:
        places.shootdown = places.shootdown if shootdown else 0
        print(repr(run(read_test(text_of_test(name)), places, runs, seed)))
"""
TESTS = {test.name: test for test in all_named()}
# A few of each family, and what an emulator shows of it if it does one instruction after the other.
SHOWN = {
    "message-passing": (),
    "alias-dirty": (),
    "stale-read-after-remap": ("r1 = 1 and r2 = 1",),
    "stale-write-after-unmap": ("r1 = 1 and w1 = ok and a = 5",),
    "stale-until-flushed-by-itself": (),
    "flush-left-out": ("r2 = 1",),
    "flush-of-a-global-page": (),
    "shootdown-remap": (),
    "shootdown-then-reuse": (),
    "shootdown-of-the-neighbour": ("r1 = 1 and r2 = 1",),
    "shootdown-of-a-global-page": (),
    "map-without-a-flush": (),
    "take-the-right-by-a-locked-and": (),
    "dirty-lost-by-a-store": ("a = 5 and x not dirty",),
    "dirty-cleared-without-a-flush": ("r1 = 1 and w1 = ok and x not dirty",),
    "dirty-of-what-was-unmapped": (),
    "accessed-cleared-and-shot-down": (),
}
SHOT_DOWN = ("shootdown-remap", "shootdown-unmap", "shootdown-protect", "shootdown-clean")

# What one emulator shows otherwise than another.
DIFFERENT = (
    "stale-write-after-unmap",
    "flush-of-a-global-page",
    "shootdown-of-the-neighbour",
    "shootdown-of-a-global-page",
    "dirty-cleared-without-a-flush",
    "dirty-of-what-was-unmapped",
)


def begin(kernel):
    """Give a kernel what the rows need."""
    kernel.exec(PROGRAM)


def tried(kernel, name, runs, shootdown=True):
    """Run a named test on the machine; return {outcome: how often}."""
    counts = ast.literal_eval(kernel.exec(f"tried({name!r}, {runs}, {shootdown})", timeout=100))
    assert sum(counts.values()) == runs
    return counts


def forbidden(name, counts):
    """Return the outcomes that the model does not allow, in words."""
    allowed = outcomes(TESTS[name])
    return [describe(TESTS[name], outcome) for outcome in counts if outcome not in allowed]


def what_is_shown_is_allowed(kernel, runs=300, is_deterministic=True, names=tuple(SHOWN)):
    for name in names:
        counts = tried(kernel, name, runs)
        assert forbidden(name, counts) == [], name
        for each in TESTS[name].may:
            if is_deterministic and each.text in SHOWN[name]:
                assert any(each.holds(TESTS[name].places(), outcome) for outcome in counts), (name, each.text)


def a_shootdown_that_is_left_out_is_found(kernel, runs=300, names=SHOT_DOWN):
    for name in names:
        counts = tried(kernel, name, runs, shootdown=False)
        assert forbidden(name, counts), name
        assert any(violated(TESTS[name], outcome) for outcome in counts), name


def it_leaves_everything_as_it_was(kernel):
    """Frames, pages, the interrupt descriptor tables of both, and who answers a page fault."""
    kernel.exec("""
        import gc
        from memory import frame_allocator, verify
        from processors import processor
        from _cpu import read_idt
        from faults import PageFault
        def seen():
            gc.collect()
            return frame_allocator.statistics().free, read_idt(), verify().violations
        tried("shootdown-unmap", 20)
        before = seen()
        tried("shootdown-unmap", 20)
        assert seen() == before, (seen(), before)
        def refused(read):
            try: read(0x1000_0000_0000)
            except PageFault as fault: return fault.record.address
        assert refused(processor(1).read) == 0x1000_0000_0000
        from shell.commands import peek
        assert refused(peek) == 0x1000_0000_0000
        processor(1).park()
        """)


def one_that_does_not_come_is_told(kernel):
    kernel.exec("""
        litmus.places.PATIENT, patient = 1, litmus.places.PATIENT
        def impatient():
            for seed in range(1, 100):
                try: tried("message-passing", 500, True, seed)
                except NotTogether as error: return str(error), error.left
        """)
    text, left = kernel.eval("impatient()")
    assert text == f"message-passing: the CPUs did not meet, {left} runs were not done"
    kernel.exec("litmus.places.PATIENT = patient")
    assert forbidden("message-passing", tried(kernel, "message-passing", 20)) == []


def a_program_that_is_stopped_leaves_no_table_behind(kernel):
    """Nobody else comes: it waits, with a descriptor table in memory that is given back when it is stopped."""
    kernel.exec("""
        from litmus.programs import Program
        from litmus.runs import Function
        from processors import processor
        from faults import PageFault
        ap = processor(1)
        with Places() as places:
            places.begin()
            function = Function(Program(read_test(text_of_test("message-passing")), 1, places).bytes)
            ap.start(function.call, 10, 1)
            while not places.has_arrived(): pass
            ap.stop()
            ap.park()
            function.drop()
        try: ap.read(0x1000_0000_0000)
        except PageFault as fault: address = fault.record.address
        ap.park()
        assert address == 0x1000_0000_0000
        """)


ROWS = (
    what_is_shown_is_allowed,
    a_shootdown_that_is_left_out_is_found,
    it_leaves_everything_as_it_was,
    one_that_does_not_come_is_told,
    a_program_that_is_stopped_leaves_no_table_behind,
)
