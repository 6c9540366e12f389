"""Whether a handler is asked, and whether its "retry" is tried: by the addresses and the rights that there are."""

import pytest
from on_target.playground import CODE, NX, PRESENT, SUPPLY, WRITABLE

READ_ONLY = PRESENT | NX
USER_PAGE = PRESENT | WRITABLE | 4
SMEP, SMAP = 1 << 20, 1 << 21


@pytest.fixture
def play(kernel):
    """A kernel with a playground, and a handler that maps what is missing."""
    kernel.exec(CODE + SUPPLY)
    return kernel


@pytest.mark.writable_executable("a user's page, mapped by hand")
@pytest.mark.parametrize(
    ("flags", "control", "access", "reason"),
    [
        (0, 0, "_memory.load64(BASE + 0x5000)", "not present"),
        (READ_ONLY, 0, "_memory.store64(BASE + 0x5000, 1)", "read-only"),
        (PRESENT | WRITABLE | NX, 0, "probe.call(BASE + 0x5000)", "no-execute"),
        (USER_PAGE, SMEP, "probe.call(BASE + 0x5000)", "a user's page"),
        (USER_PAGE, SMAP, "_memory.load64(BASE + 0x5000)", "a user's page"),
        (USER_PAGE, SMAP, "_memory.store64(BASE + 0x5000, 1)", "a user's page"),
    ],
)
def test_a_retry_that_would_be_refused_is_not_tried(play, flags, control, access, reason):
    """A handler that says "retry" and has changed nothing is asked once: tables, SMEP and SMAP are looked at."""
    play.exec(f"""
        p.set(p.p2, 0, p.p1 - WINDOW_PAGE, TABLE)
        p.map(5, 5, {flags})
        def handler(fault):
            asked.append(fault.reason)
            return True
        before = _cpu.read_cr4()
        _cpu.write_cr4(before | {control})
        try:
            with faults.on_fault(pages, handler): {access}
            text = "no fault"
        except faults.PageFault as fault:
            text = str(fault)
        finally:
            _cpu.write_cr4(before)
        """)
    assert "the handler said retry, yet the access is still refused" in play.eval("text")
    found = play.eval("asked")
    assert len(found) == 1
    assert found[0].startswith(reason)


def test_the_first_and_the_last_byte_of_a_range_are_its_handlers(play):
    """And not one byte more on either side."""
    play.exec("""
        inner = PageRange.from_numbers(PAGE + 5, PAGE + 6)
        def tried(address):
            asked.clear()
            for n in range(20): p.unmap(n)
            try:
                with faults.on_fault(inner, supply): _memory.load8(address)
            except faults.PageFault: return "fault"
            return asked[:]
        answers = [tried(BASE + at) for at in (0x4fff, 0x5000, 0x6fff, 0x7000)]
        """)
    assert play.eval("answers") == ["fault", [5], [6], "fault"]
