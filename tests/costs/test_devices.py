"""What devices may cost, in guest instructions, counted on a machine whose clock is its instructions."""

import pytest
from harness import Kernel, QemuGuest

LIMITS = {
    "device: read a register": 400,
    "device: write a register": 400,
}


@pytest.fixture(scope="module")
def count():
    """A function that runs a bench row in a fresh kernel and returns its instructions per act."""
    with QemuGuest(counted=True) as guest:
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=60)

        def run(row):
            kernel.soft_reset()
            kernel.exec("from diagnostics import bench")
            return kernel.eval(f"bench.run({row!r})")[0]

        run.kernel = kernel
        yield run


def test_from_an_interrupt_to_the_first_line_of_python(count):
    """What the store costs that interrupts, and the clock, is taken off."""
    kernel = count("device: read a register") and count.kernel
    kernel.soft_reset()
    kernel.exec("""
        from time import ticks_cpu
        from devices.interrupts import Vector
        from devices.lapic import LocalApic, TO_SELF
        apic, first = LocalApic(), []
        def handler(count, ticks_cpu=ticks_cpu):
            first.append(ticks_cpu())
        vector = Vector(handler)
        def measure(word, register=apic.registers, ticks_cpu=ticks_cpu):
            start = ticks_cpu()
            register.command = word
            if word: pass  # here Python looks for what is waiting
            return start, ticks_cpu()
        nobody = measure(TO_SELF | 0x2f)  # spurious: nothing is called
        measure(TO_SELF | vector.number)
        start, end = measure(TO_SELF | vector.number)
        """)
    start, first, before, after = kernel.eval("(start, first[-1], nobody[0], nobody[1])")
    assert 300 < first - start - (after - before) <= 1_100


@pytest.mark.parametrize("row", LIMITS)
def test_a_row_is_within_its_limit(count, row):
    assert 0 < count(row) <= LIMITS[row]
