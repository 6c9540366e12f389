"""Between two tests: only a machine that is as a boot leaves it serves another test."""

from types import SimpleNamespace

import pytest
from harness.spare import GUESTS, PASSED, Spare


@pytest.fixture
def lend(boot, request):
    """A function that has a test use the spare machine: lend(use, passed=True) returns its guest."""
    spare = Spare()

    def lend(use=lambda kernel: None, passed=True):
        node = SimpleNamespace(nodeid="a test", stash=pytest.Stash(), get_closest_marker=lambda name: None)
        node.stash[GUESTS] = request.node.stash[GUESTS]
        node.stash[PASSED] = passed
        loan = spare.lend(node, boot)
        kernel = next(loan)
        use(kernel)
        assert next(loan, None) is None
        return kernel.guest

    yield lend
    spare.stop()


def test_a_machine_that_is_whole_serves_the_next_test_and_remembers_nothing(lend):
    first = lend(lambda kernel: kernel.exec("print('said'); kept = __import__('memory').allocate_frames(3)"))
    assert first.left_by == "a test"
    told = []

    def look(kernel):
        told.extend([kernel.eval("'kept' in globals()"), kernel.guest.console.transcript(), kernel.guest.log()])

    assert lend(look) is first
    assert told[0] is False
    assert "said" not in told[1]
    assert "boot:" not in told[2]


@pytest.mark.parametrize(
    "code",
    [
        "open('/left', 'w').close()",
        "import _cpu; _cpu.write_cr4(_cpu.read_cr4() ^ 1 << 2)",
        "import _cpu; _cpu.write_msr(0x277, _cpu.read_msr(0x277) ^ 1 << 56)",
    ],
)
def test_one_that_is_changed_does_not(lend, code):
    first = lend(lambda kernel: kernel.exec(code))
    assert lend() is not first


def test_one_that_a_failed_test_had_does_not(lend):
    first = lend(passed=False)
    assert lend() is not first


def test_one_that_does_not_get_everything_back_fails_its_test(lend):
    def lose(kernel):
        kernel.guest.at_boot[0][0] = (0, *kernel.guest.at_boot[0][0][1:])

    with pytest.raises(AssertionError, match="did not give everything back"):
        lend(lose)
