"""Another CPU is in the middle of something when the kernel resets, panics, exits or is interrupted."""

import time

import pytest
from harness import Kernel, depth
from harness.errors import KernelRaised
from on_target import source

DEAF = 'deaf = function(b"\\xfa\\xf3\\x90\\xeb\\xfc", "q()")'  # cli; pause; jmp back
ASKING = """
from paging.natives import critical
critical.enter()                # nobody is told
ap.start(READ, 0x5000)
until(lambda: ap.state == "asking")
"""
PANICS = 'panics = function(b"\\xcd\\x12\\xc3", "q()")'  # int $18: the vector of a machine check


@pytest.mark.parametrize("begin", ["ap.start(SPIN)", f"{DEAF}\nap.start(deaf)", ASKING], ids=["spins", "deaf", "asks"])
def test_a_soft_reset_parks_it_whatever_it_does(pair, begin):
    pair.exec(begin)
    pair.soft_reset()
    pair.exec("from processors import *\nap = processor(1)")
    assert pair.eval(f"(ap.state, ap.read({depth.WINDOW:#x}) > 0, ap.state)") == ("parked", True, "attached")


def test_the_blocks_stay_taken(pair):
    """Whatever the allocator hands out after a soft reset, nobody's block is among it, nor a table of those that are
    parked, and what it counts adds up. The guard has left room for the blocks at boot."""
    taken = pair.eval("__import__('_boot').early_frames()[-1]")
    outside = pair.eval("__import__('paging.guard').guard.Guard.blocks")
    blocks = pair.eval("_processors.BLOCK_FRAMES") if outside is None else 0
    assert taken[1] == blocks + pair.eval("__import__('processors.parking').parking.frames_needed()")
    for frame in taken[0], taken[0] + taken[1] - 1, outside or taken[0]:
        assert pair.eval(f"raised(allocate_frames_at, PhysicalAddress({frame} << 12), 1)")[0] == "AddressInUse"
    assert pair.eval("memory.verify().violations") == []


def test_ctrl_c_ends_a_job(pair):
    pair.start("print('now')\nap.call(SPIN, limit_ms=60000)")
    pair.wait_for_output("now")
    time.sleep(0.1)
    pair.interrupt()
    with pytest.raises(KernelRaised, match="KeyboardInterrupt"):
        pair.finish()
    assert pair.eval(f"(ap.state, ap.read({depth.WINDOW:#x}) > 0)") == ("attached", True)


def test_a_panic_there_stops_all_and_names_it(pair):
    pair.exec(PANICS)
    pair.guest.expected_to_end = True
    pair.start("ap.start(panics)\nn = 0\nwhile True: n += 1")
    pair.guest.expect_exit(35)
    lines = pair.guest.log().strip().split("\n")
    assert lines[-1].startswith("PANIC: cpu 1: machine check at 0x")
    assert sum("PANIC" in line for line in lines) == 1


def test_a_panic_here_stops_it(pair):
    pair.exec("from _provoke import exception\nm = create_mapping(4096, RW)\nap.start(HAMMER, m, 1, 8, 0)")
    pair.guest.expected_to_end = True
    pair.start("exception(8)")
    pair.guest.expect_exit(35)
    assert "PANIC: double fault" in pair.guest.log()


def test_who_is_deaf_to_a_shootdown_is_named(pair):
    pair.exec(DEAF)
    pair.exec("ap.start(deaf)\nuntil(lambda: ap.state == 'running')\nsleep_ms(20)")
    pair.guest.expected_to_end = True
    pair.start("_processors.shoot(0, PAGE, 1, 4096)")
    pair.guest.expect_exit(35, timeout=20)
    assert pair.guest.log().strip().endswith("PANIC: cpu 1 does not answer a TLB shootdown")


def test_leaving_works_while_it_spins(pair):
    pair.exec("ap.start(SPIN)")
    pair.exit()


@pytest.mark.parametrize(
    ("accelerator", "limit_ms", "least"),
    [("tcg,thread=single", 60000, 1000), ("tcg", 1000, 3)],
    ids=["one thread", "threads"],
)
def test_rounds_of_post_shoot_and_stop(boot, accelerator, limit_ms, least):
    """On four CPUs: 1,000 where they take turns, and as many as a second holds where each has a thread."""
    guest = boot(processors=4, accelerator=accelerator)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=90)
    kernel.exec("from processors import processors\nprocessors()")
    kernel.exec(source("processors/prelude"))
    kernel.exec(source("processors/rounds"))
    assert kernel.eval(f"rounds(1000, {limit_ms})") >= least
    assert kernel.eval("(len(others), memory.verify().violations)") == (3, [])
