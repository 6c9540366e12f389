"""Objects of the kernel can be used from a test as if they were there."""

import pytest
from harness import KernelRaised


@pytest.fixture
def collections(kernel):
    """The kernel's own collections module."""
    return kernel.module("collections")


def test_plain_values_come_back_as_themselves(kernel):
    assert kernel.module("sys").implementation[1] == (1, 25, 0, "")
    assert kernel.module("struct").unpack("<Q", b"\xff" * 8) == (2**64 - 1,)


def test_objects_stay_in_the_kernel_and_can_be_passed_on(collections):
    first = collections.deque((), 4)
    first.append(7)
    second = collections.deque(first, 8)
    second.append("x")
    assert (len(first), len(second), second.popleft(), 7 in first) == (1, 2, 7, True)
    assert repr(first).startswith("<deque")


def test_errors_of_the_kernel_are_raised_here(collections):
    with pytest.raises(KernelRaised, match="IndexError: empty"):
        collections.deque((), 4).popleft()


def test_what_is_forgotten_can_be_collected(kernel):
    made = kernel.module("collections").deque((), 4)
    held = kernel.eval("len(_held)")
    made.forget()
    assert kernel.eval("len(_held)") == held - 1
