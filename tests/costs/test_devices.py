"""What devices may cost, in guest instructions, counted on a machine whose clock is its instructions."""

import pytest
from harness.guard import COUNTS

pytestmark = COUNTS

LIMITS = {
    "device: read a register": 400,
    "device: write a register": 400,
}


def test_from_an_interrupt_to_the_first_line_of_python(counted):
    """What the store costs that interrupts, and the clock, is taken off."""
    counted.soft_reset()
    counted.exec("""
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
    start, first, before, after = counted.eval("(start, first[-1], nobody[0], nobody[1])")
    assert 300 < first - start - (after - before) <= 1_100


@pytest.mark.parametrize("row", LIMITS)
def test_a_row_is_within_its_limit(count, row):
    assert 0 < count(row) <= LIMITS[row]
