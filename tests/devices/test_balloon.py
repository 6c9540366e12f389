"""virtio-balloon: what the host wants it gets, its process has less memory then, and all of it comes back."""

import re
from pathlib import Path

import pytest

MIB = 1 << 20
FRAMES = MIB >> 12  # of a MiB
RAM = 128
SETUP = """
from devices.balloon import Balloon
from memory_structs import PAGE_SIZE
counts = memory.frame_allocator.statistics
def sums():
    s = counts()
    surplus = sum([getattr(s, name) for name in s.names]) - s.total
    return s.free, s.allocated, s.mapped, surplus, memory.verify().violations
def touch(size):  # the host finds memory for so much
    mapping = create_mapping(size, RW)
    with mapping.as_slice_mut("Q") as words:
        for place in range(0, len(words), PAGE_SIZE // 8): words[place] = place + 1
    return mapping
"""


@pytest.fixture
def ballooned(with_devices):
    """A kernel with a Balloon, `b`, which nobody has asked for anything, and `base`, the sums before there was one."""
    kernel = with_devices("-device", "virtio-balloon-pci", memory=f"{RAM}M")
    kernel.exec(SETUP + "touch(4096).drop()\nbase = sums()\nb = Balloon()")
    return kernel


def leave_it(kernel, mebibytes):
    """Have the host want all but so many MiB."""
    kernel.guest.monitor.execute("balloon", value=mebibytes * MIB)


def has(kernel):
    """Return how many MiB the host believes the machine to have."""
    return kernel.guest.monitor.execute("query-balloon")["actual"] / MIB


def resident(kernel):
    """Return how many MiB of the host's memory QEMU has."""
    rollup = Path(f"/proc/{kernel.guest.process.pid}/smaps_rollup").read_text()
    return int(re.search(r"^Rss: +(\d+) kB", rollup, re.MULTILINE)[1]) / 1024


def test_the_hosts_memory_falls_by_what_it_gets_and_sums_are_right_all_the_time(ballooned):
    kernel = ballooned
    kernel.exec(f"kept = touch({8 * MIB}); touch({72 * MIB}).drop(); before = sums()")
    full, wanted = resident(kernel), 64 * FRAMES
    leave_it(kernel, RAM - 64)
    assert kernel.eval("(b.wanted, b.held, counts().allocated)") == (wanted, 0, 0), "nothing before it is asked"
    assert kernel.eval("(b.adjust(), b.held, sum([len(each) for each in b.frames]))") == (wanted,) * 3
    assert kernel.eval("sums()") == kernel.eval(f"(before[0] - {wanted}, {wanted}, before[2], 0, [])")
    assert has(kernel) == RAM - 64
    assert 60 <= full - resident(kernel) <= 68
    leave_it(kernel, RAM - 40)
    assert kernel.eval("b.adjust()") == 40 * FRAMES
    assert kernel.eval("sums()") == kernel.eval(f"(before[0] - {40 * FRAMES}, {40 * FRAMES}, before[2], 0, [])")
    leave_it(kernel, RAM)
    assert kernel.eval("(b.adjust(), b.held, b.frames)") == (0, 0, [])
    assert kernel.eval("sums() == before")
    assert full - resident(kernel) >= 60, "it is the host's until somebody writes there"
    assert kernel.eval("[n for n, word in enumerate(kept.as_slice('Q')[::512]) if word != 512 * n + 1]") == []
    kernel.exec(f"kept.drop(); again = touch({72 * MIB})")
    assert kernel.eval("[n for n, word in enumerate(again.as_slice('Q')[::512]) if word != 512 * n + 1]") == []
    kernel.exec("again.drop(); del again, kept; b.drop()")
    assert kernel.eval("sums() == base")


def test_a_host_that_wants_all_gets_all_but_the_reserve_and_nothing_of_anybody_elses(ballooned):
    kernel = ballooned
    kernel.exec(f"""
        holes = [allocate_frames(8 << 8) for _ in range(8)]
        kept = touch({MIB})
        for each in holes[::2]: each.drop()
        others = counts()
        """)
    leave_it(kernel, 1)
    with kernel.raises(
        "HostWantsMore", r"balloon at 00:\S+: the host wants 32512 frames and has \d+ now: the last 4096 "
    ):
        kernel.exec("b.adjust()")
    assert kernel.eval("(counts().free, b.held, counts().allocated)") == kernel.eval(
        "(4096, others.free - 4096, others.allocated + others.free - 4096)"
    )
    assert has(kernel) == RAM - kernel.eval("b.held") / FRAMES
    assert kernel.eval("len(b.frames)") >= 2
    assert kernel.eval("[n for n, word in enumerate(kept.as_slice('Q')[::512]) if word != 512 * n + 1]") == []
    assert kernel.eval("memory.verify().violations") == []
    leave_it(kernel, RAM - 1)
    assert kernel.eval("(b.adjust(), counts().allocated - others.allocated)") == (FRAMES, FRAMES)
    kernel.exec("b.drop(); kept.drop()\nfor each in holes[1::2]: each.drop()\ndel kept, holes")
    assert kernel.eval("sums() == base")
    assert has(kernel) == RAM


def test_what_goes_wrong_amid_frames_leaves_none_with_the_host(ballooned):
    """A device that says nothing, and frames that somebody took from below: then all is free, and may begin anew."""
    kernel = ballooned
    kernel.exec("""
        from devices import DeviceTimeout
        before = sums()
        class Dumb:
            "A queue whose device answers so many times."
            def __init__(self, queue, left):
                self.queue, self.left = queue, left
            def run(self, *arguments):
                self.left -= 1
                if self.left < 0: raise DeviceTimeout("it", "a request", 1)
                return self.queue.run(*arguments)
            def __getattr__(self, name): return getattr(self.queue, name)
        def dumb(queue, answers):
            b.device.queues[queue] = Dumb(b.device.queues[queue], answers)
        def mended(): b.device.queues[:] = [getattr(queue, "queue", queue) for queue in b.device.queues]
        """)
    for queue, first in (0, None), (1, 5):
        if first:
            leave_it(kernel, RAM - first - 8)
            kernel.exec("b.adjust()")
        leave_it(kernel, RAM - 20 if first is None else RAM - 1)
        kernel.exec(f"dumb({queue}, 1)")
        with kernel.raises("DeviceTimeout", "took more than 1 ms"):
            kernel.exec("b.adjust()")
        assert kernel.eval("(sums() == before, b.frames, b.held)") == (True, [], 0)
        assert has(kernel) == RAM
        kernel.exec("mended()")
    assert kernel.eval("(b.adjust(), b.held)") == (FRAMES, FRAMES)
    leave_it(kernel, RAM - 3)
    kernel.exec("b.adjust(); b.frames[0].drop()")
    with kernel.raises("UseAfterMove"):
        kernel.exec("b.adjust()")
    assert kernel.eval("(sums() == before, b.held, b.adjust())") == (True, 0, 3 * FRAMES)
    kernel.exec("dumb(1, 0)")
    with kernel.raises("DeviceTimeout"):
        kernel.exec("b.drop()")
    kernel.exec("mended(); Balloon().drop()")
    assert kernel.eval("sums() == base")


@pytest.mark.parametrize(("act", "step"), [("adjust", 3), ("drop", 11)])
def test_ctrl_c_at_any_moment_loses_no_frame(ballooned, act, step):
    """Then the host has all that it wants, or nothing; and nothing is claimed or lent after a drop()."""
    leave_it(ballooned, RAM - 2)
    ballooned.exec(
        f"""
        import _inject, gc
        def point(n):
            "What is left of n, and what is wrong."
            b = Balloon()
            if {act == "drop"}: b.adjust()
            _inject.interrupt(n)
            try:
                b.{act}()
                left = _inject.interrupt(0)
                for _ in range(2): pass
            except KeyboardInterrupt:
                left = _inject.interrupt(0)
            gc.collect()
            wrong = counts().allocated != b.held or b.held not in (0, {2 * FRAMES})
            if {act == "adjust"}: b.drop()
            return left, wrong
        b.drop()
        n, left, wrong = 0, 0, []
        while not left:
            n += {step}
            left, found = point(n)
            if found: wrong.append(n)
        gc.collect()
        """,
        timeout=60,
    )
    assert ballooned.eval("(wrong, sums() == base)") == ([], True)
    assert ballooned.eval("n") > 50


@pytest.mark.parametrize("trouble", ["fail_allocation", "interrupt"])
def test_trouble_on_the_way_to_a_balloon_claims_and_lends_nothing(ballooned, trouble):
    ballooned.exec(
        f"""
        import _inject, gc
        def point(n):
            b = None
            _inject.{trouble}(n)
            try:
                b = Balloon()
                left = _inject.{trouble}(0)
                for _ in range(2): pass
            except {"MemoryError" if trouble == "fail_allocation" else "KeyboardInterrupt"}:
                left = _inject.{trouble}(0)
            if b: b.drop()
            return left
        def mapped():
            for _ in range(3): gc.collect()
            return counts().mapped
        b.drop()
        point(1 << 40)
        before, n = mapped(), 1
        while not point(n): n += {13 if trouble == "interrupt" else 3}
        """,
        timeout=60,
    )
    assert ballooned.eval("(mapped() - before, memory.verify().violations)") == (0, [])
    ballooned.exec("Balloon().drop()")


def test_a_soft_reset_frees_all_frames_and_the_host_knows(ballooned):
    leave_it(ballooned, RAM - 32)
    ballooned.exec("b.adjust()")
    assert has(ballooned) == RAM - 32
    ballooned.soft_reset()
    assert has(ballooned) == RAM
    ballooned.exec("import memory\nfrom memory import *\nfrom devices import *\nRW = PteFlags().writable(True)" + SETUP)
    ballooned.exec("touch(4096).drop(); b = Balloon()")
    assert ballooned.eval("(b.held, counts().allocated, b.adjust(), sums()[4])") == (0, 0, 32 * FRAMES, [])


def test_what_is_no_balloon_is_refused_by_name(ballooned):
    for call, error, text in (
        ("Balloon(1)", "NoSuchDevice", "no virtio balloon number 1"),
        ("Balloon()", "BarInUse", "claimed by balloon at"),
        ("Balloon(reserve=-1)", "ValueError", "a reserve is a number of frames, 0 or more, not -1"),
        ("Balloon(reserve='all')", "ValueError", "not 'all'"),
    ):
        with ballooned.raises(error, match=text):
            ballooned.exec(call)
    ballooned.exec("b.drop()")
    with ballooned.raises("UseAfterUnmap", match="its mapping ended by drop"):
        ballooned.exec("b.adjust()")
    assert ballooned.eval("sums() == base")
