"""The frame allocator starts from whatever the loader says, and every frame of RAM is in exactly one state."""

import itertools

import pytest
from harness import Kernel, unix_port

USABLE, RESERVED, ACPI = 1, 2, 3
RAM_KINDS = (1, 3, 4, 5)
FIRST_MEBIBYTE_IN_FRAMES = 256


@pytest.mark.parametrize("seed", [1, 2])
def test_random_maps_agree_with_an_oracle_of_half_kilobytes(seed):
    assert unix_port.run(unix_port.TARGET / "random_maps.py", seed, 60, heap="8m") == "ok\n"


@pytest.fixture
def check(tmp_path):
    """Run statements with FrameAllocator at hand; they fail by AssertionError."""
    head = "from small_machine import *\nboot = FrameAllocator.from_boot\n"
    return lambda code: unix_port.run_code(tmp_path, head + unix_port.textwrap.dedent(code))


def test_reserved_wins_over_usable(check):
    check("""
        a = boot([(0x100000, 0x200000, 1), (0x140800, 0x141800, 2)], [])
        assert list(a.pool.runs()) == [(0x100, 0x40, 0), (0x142, 0xbe, 0)]
        b = boot([(0x140800, 0x141800, 4), (0x100000, 0x200000, 1)], [])
        assert list(b.pool.runs()) == list(a.pool.runs())
    """)


def test_a_frame_in_two_touching_halves_is_usable(check):
    check("""
        a = boot([(0x180800, 0x200000, 1), (0x100000, 0x180800, 1)], [])
        assert list(a.pool.runs()) == [(0x100, 0x100, 0)]
    """)


def test_usable_edges_are_rounded_inwards(check):
    check("""
        a = boot([(0x100001, 0x1fffff, 1)], [])
        assert list(a.pool.runs()) == [(0x101, 0xfe, 0)] and a.statistics().total == 512
    """)


def test_early_frames_are_taken_over_once_even_if_recorded_twice(check):
    check("""
        early = [(0x110000, 0x112000, "tables"), (0x111000, 0x113000, "tables"), (0x112000, 0x115000, "heap"),
                 (0x120000, 0x121000, "something else"), (0x80000, 0x81000, "tables")]
        s = boot([(0x100000, 0x200000, 1)], [], early).statistics()
        assert (s.tables, s.mapped, s.reserved, s.free) == (3, 2, 256 + 1, 256 - 3 - 2 - 1), s
    """)


def test_what_lies_beyond_the_cpus_addresses_is_left_out(check):
    check("""
        set_physical_address_bits = __import__("memory_structs").set_physical_address_bits
        set_physical_address_bits(36)
        a = boot([(0x100000, 0x200000, 1), ((1 << 36) - 0x2000, (1 << 36) + 0x2000, 1), (1 << 40, 1 << 41, 1),
                  (1 << 45, 1 << 46, 2)], [])
        assert list(a.pool.runs()) == [(0x100, 0x100, 0), ((1 << 24) - 2, 2, 0)]
        set_physical_address_bits(52)
    """)


def frames_of_the_map(regions):
    """Return (frames that are RAM, frames that are wholly usable) of a memory map, counted one by one in runs."""
    edges = sorted({0, 1 << 20, *(edge for start, end, _ in regions for edge in (start, end))})
    borders = sorted({edge >> 12 for edge in edges} | {(edge + 4095) >> 12 for edge in edges})
    ram = usable = 0
    for first, end in itertools.pairwise(borders):
        start, stop = first << 12, end << 12
        touching = [kind for low, high, kind in regions if low < stop and high > start]
        is_ram = any(kind in RAM_KINDS for kind in touching) or first < FIRST_MEBIBYTE_IN_FRAMES
        ram += (end - first) * is_ram
        inside = [kind for low, high, kind in regions if low <= start and high >= stop]
        good = USABLE in inside and set(touching) == {USABLE} and first >= FIRST_MEBIBYTE_IN_FRAMES
        usable += (end - first) * good
    return ram, usable


SUMS = """
import memory
s = memory.frame_allocator.statistics()
answer = [s.free, s.allocated, s.mapped, s.unmapped, s.tables, s.reserved, s.total]
"""


@pytest.mark.parametrize("memory", ["32M", "128M", "8G"])
def test_the_machines_own_map_agrees_to_the_frame(boot, memory):
    guest = boot(memory=memory)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest)
    regions = kernel.eval("__import__('_boot').memory_map()")
    kernel.exec(SUMS)
    *states, total = kernel.eval("answer")
    ram, usable = frames_of_the_map(regions)
    assert sum(states) == total == ram
    assert states[-1] >= ram - usable
    assert 0 < states[0] < usable


def test_after_a_soft_reset_the_same_frames_are_free(kernel):
    kernel.exec(SUMS + "runs = list(memory.frame_allocator.pool.runs())")
    before = kernel.eval("(answer, runs)")
    kernel.exec("owned = [memory.allocate_frames(n) for n in range(1, 60)]")
    kernel.soft_reset()
    kernel.exec(SUMS + "runs = list(memory.frame_allocator.pool.runs())")
    assert kernel.eval("(answer, runs)") == before
