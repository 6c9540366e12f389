"""MicroPython on this machine behaves as the kernel's does, and a hung or dead one is noticed."""

import pytest
from harness import GuestFailure, KernelRaised, UnixPython
from hypothesis import given
from hypothesis import strategies as st


def test_values_output_and_errors_come_back(unix_python):
    assert unix_python.exec("x = 2**70\nshow(x, 'and', b'y')") == "1180591620717411303424 and b'y'\n"
    assert unix_python.eval("(x, 'text', None)") == (2**70, "text", None)
    with pytest.raises(KernelRaised, match="ZeroDivisionError"):
        unix_python.exec("1 // 0")


def test_the_kernels_packages_can_be_imported(unix_python):
    unix_python.exec("from memory_structs import VirtualAddress")
    assert unix_python.eval("str(VirtualAddress(0x1000))") == "v0x1000"


def test_viper_runs(unix_python):
    unix_python.exec("@micropython.viper\ndef double(x: int) -> int:\n    return x * 2")
    assert unix_python.eval("double(1 << 40)") == 1 << 41


def test_a_process_that_hangs_is_noticed():
    process = UnixPython(timeout=0.3)
    with pytest.raises(GuestFailure, match=r"nothing came within 0\.3 s"):
        process.exec("while True:\n    pass")
    assert process.process.returncode is not None


def test_a_process_that_ends_is_noticed():
    process = UnixPython()
    with pytest.raises(GuestFailure, match="it ended"):
        process.exec("raise SystemExit")


@pytest.fixture(scope="module")
def shared():
    """One process for all examples of a property."""
    process = UnixPython()
    yield process
    process.close()


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70).filter(bool))
def test_division_is_pythons(shared, dividend, divisor):
    assert shared.eval(f"divmod({dividend}, {divisor})") == divmod(dividend, divisor)
