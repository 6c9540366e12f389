"""W^X over the physical window: what some mapping may execute is read-only there, by a walk over raw RAM that shares
nothing with the kernel; and it is as at boot when the last reason has gone."""

import pytest
from harness import Kernel, depth
from harness.aliases import check_aliases
from harness.trials import tried
from on_target import source
from oracle import page_walk

WINDOW, PAGE = depth.WINDOW, 4096
WINDOW_SLOTS = range(256, 384)
LOW = "VirtualAddress(0x40_0000_0000)"

SETUP = f"""
import _memory
from paging.guard import opens_guard
store8 = opens_guard(_memory.store8)
def alias(frame):
    return (frame << 12) + {WINDOW} - (1 << 64)
def numbers(*mappings):
    "The frames of mappings, in order."
    return sorted([n for m in mappings for run in m.frames() for n in range(run.first_number, run.last_number + 1)])
def pages_of(count):
    return memory.allocate_pages(count)
def apart():
    "A mapping of frames no two of which touch."
    rest, held = memory.allocate_frames(24), []
    while memory.frame_allocator.statistics().free:
        held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
    while len(rest) > 1:
        one, rest = rest.split(rest.start + 1)
        (held.append(one) if len(rest) % 2 else one.drop())
    held.append(rest)
    m = memory.create_mapping(6 * 4096, RUN)
    for one in held:
        one.drop()
    return m
shared = o = None
"""

# What makes pages executable: each leaves them in `m`.
WAYS = {
    "create_mapping": "m = memory.create_mapping(4096, RUN)",
    "of three pages": "m = memory.create_mapping(3 * 4096, RUN)",
    "of many small pages": "m = memory.create_mapping(700 * 4096, RUN, huge=False)",
    "of huge pages": "m = memory.create_mapping(4 << 20, RUN)",
    "remap": "m = memory.create_mapping(2 * 4096, WRITE); m.remap(RUN)",
    "remap of huge pages": "m = memory.create_mapping(2 << 20, READ); m.remap(RUN)",
    "given frames": "m = table.map_allocated_pages_to(pages_of(5), memory.allocate_frames(5), RUN)",
    "given pages": "m = table.map_allocated_pages(pages_of(5), RUN)",
    "the lower half": f"m = memory.create_mapping_at({LOW}, 8192, RUN)",
    "another table": f"o = PageTable.new_table(table); m = o.create_mapping_at({LOW}, 8192, RUN)",
    "shared frames": "shared = SharedFrames(memory.allocate_frames(2)); m = table.map_shared(pages_of(2), shared, RUN)",
    "written and executed": "m = memory.create_mapping(4096, WRITE.executable(True), override='a test')",
    "a copy": "first = memory.create_mapping(8192, RUN); m = first.deep_copy(); first.drop(); del first",
    "frames that do not touch": "m = apart()",
}


@pytest.fixture
def closing(owned):
    """A kernel with the setup; at the end the window is as it was."""
    owned.exec(SETUP)
    at_boot = window_of(owned)
    yield owned
    owned.exec("if shared: shared.drop()")
    assert window_of(owned) == at_boot


def cr3_of(kernel):
    return kernel.guest.monitor.registers()["CR3"]


def window_of(kernel):
    """Return the window's leaves: [(physical address, size, writable)]."""
    found = page_walk.walk(cr3_of(kernel), kernel.guest.memory, top_slots=WINDOW_SLOTS)
    return [(leaf.pa, leaf.size, leaf.writable) for leaf in found]


def closed(kernel, at_boot):
    """Return the frames that the window shows read-only, but for those of which it did so at boot."""
    read_only = set()
    for pa, size, writable in window_of(kernel):
        if not writable:
            read_only |= set(range(pa // PAGE, (pa + size) // PAGE))
    return sorted(read_only - {n for pa, size, w in at_boot if not w for n in range(pa // PAGE, (pa + size) // PAGE)})


def shown(kernel, frame):
    leaf = page_walk.translate(cr3_of(kernel), kernel.guest.memory, WINDOW + frame * PAGE)
    return leaf.size, leaf.writable


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.writable_executable("one of the ways is an override")
def test_what_may_be_executed_is_read_only_in_the_window_and_nothing_else_is(closing, way):
    at_boot = window_of(closing)
    closing.exec(WAYS[way])
    frames = closing.eval("numbers(m)")
    assert frames
    assert closed(closing, at_boot) == frames
    assert closing.eval("memory.verify().violations") == []
    if way != "written and executed":
        check_aliases(closing.guest, NoMark)
    with closing.raises("PageFault", match="is executable at v0x"):
        closing.exec(f"store8(alias({frames[-1]}), 1)")
    closing.exec("m.drop()")
    assert window_of(closing) == at_boot
    closing.exec(f"for n in {frames}: store8(alias(n), 1)")
    closing.exec("if o: o.drop()")


class NoMark:
    """A test without marks."""

    @staticmethod
    def get_closest_marker(_):
        return None


def test_remap_closes_and_opens_and_the_tlb_hears_of_both(closing):
    """Both aliases of each page are in the TLB, with the rights from before, when its rights change."""
    closing.exec("m = memory.create_mapping(3 * 4096, WRITE); where = [alias(n) for n in numbers(m)]")
    for step in range(3):
        closing.exec(f"for at in where: store8(at, {step} + 1)")
        closing.exec("m.remap(RUN)")
        for page in range(3):
            with closing.raises("PageFault", match="alias of p0x.* in the physical window"):
                closing.exec(f"store8(where[{page}], 77)")
        assert closing.eval("[_memory.load8(at) for at in where]") == [step + 1] * 3
        closing.exec("m.remap(READ)")
    closing.exec("m.drop()")


def test_what_is_beside_others_closes_and_opens_alone(closing):
    """The window has a table for its frames already, and goes on to need it."""
    at_boot = window_of(closing)
    closing.exec("""
        whole = memory.allocate_frames(1024)
        rest, whole = whole.split(whole.start + (520 - whole.start.number % 512))  # not the table's first
        made = []
        for count in 3, 3, 70:
            one, whole = whole.split(whole.start + count)
            made.append(table.map_allocated_pages_to(pages_of(count), one, RUN, huge=False))
        m, n, many = made
        rest.drop(), whole.drop()
        at = [alias(frame) for frame in numbers(n)]
        """)
    all_of_them, both, kept = closing.eval("(numbers(m, n, many), numbers(m, n), numbers(m))")
    assert len({frame >> 9 for frame in all_of_them}) == 1
    assert closed(closing, at_boot) == all_of_them
    closing.exec("many.drop()")
    assert closed(closing, at_boot) == both
    for step, left in (("n.remap(WRITE)", kept), ("n.remap(RUN)", both), ("n.drop()", kept)):
        closing.exec(step)
        assert closed(closing, at_boot) == left, step
        refused = closing.eval("[refused(lambda: store8(each, 1))[:9] for each in at]")
        assert refused == (["PageFault"] if left == both else ["nothing, "]) * 3, step
    closing.exec("m.drop()")
    assert window_of(closing) == at_boot


def test_each_change_of_the_window_is_flushed_by_one_request(closing):
    """QEMU forgets so much of the upper half at once that no access there tells."""
    closing.exec("""
        from memory.mappings import aliases, few_aliases
        calls = []
        def noted(module, name):
            kept = getattr(module, name)
            def told(*arguments):
                calls.append(name)
                return kept(*arguments)
            setattr(module, name, told)
            return setattr, module, name, kept
        kept = [noted(aliases, name) for name in ("forget", "forget_spans", "forget_all")]
        kept += [noted(few_aliases, name) for name in ("invalidate", "forget")]
        def step(call, *arguments):
            calls.clear()
            made = call(*arguments)
            told.append(" ".join(calls))
            return made
        told = []
        m, n = [memory.create_mapping(2 * 4096, WRITE) for _ in "mn"]
        step(m.remap, RUN), step(n.remap, RUN), step(n.remap, READ), step(m.remap, READ)
        m.remap(RUN), n.remap(RUN)
        step(m.drop), step(n.drop)
        m = memory.create_mapping(300 * 4096, WRITE, huge=False)
        step(m.remap, RUN), step(m.drop)
        m = step(apart)
        step(m.drop)
        for set_back, *arguments in kept:
            set_back(*arguments)
        """)
    few = ["forget", "invalidate", "invalidate", "forget", "invalidate", "forget"]
    assert closing.eval("told") == few + ["forget_all"] * 2 + ["forget_spans"] * 2


def test_many_pages_are_forgotten_everywhere(closing):
    """So many that the TLB is emptied; and the pages beside them in the divided page are forgotten, too."""
    closing.exec("m = memory.create_mapping(300 * 4096, WRITE, huge=False); where = [alias(n) for n in numbers(m)]")
    closing.exec("for at in where: store8(at, 1)")
    closing.exec("m.remap(RUN)")
    refused = "[at for at in where[::37] + where[-1:] if refused(lambda: store8(at, 2)) == 'PageFault']"
    assert closing.eval(f"({refused}) == where[::37] + where[-1:]") is True
    closing.exec("for at in where: _memory.load8(at)")
    closing.exec("m.drop()")
    assert closing.eval("[at for at in where if refused(lambda: store8(at, 2))[:7] != 'nothing']") == []


def test_shared_frames_stay_closed_until_the_last_one_that_executes_has_gone(closing):
    at_boot = window_of(closing)
    closing.exec("shared = SharedFrames(memory.allocate_frames(2))")
    closing.exec("ms = [table.map_shared(pages_of(2), shared, flags) for flags in (READ, RUN, RUN)]")
    frames = closing.eval("numbers(ms[0])")
    assert closed(closing, at_boot) == frames
    closing.exec("ms[1].remap(READ)")
    assert closed(closing, at_boot) == frames
    closing.exec("ms[0].remap(RUN); ms[2].drop()")
    assert closed(closing, at_boot) == frames
    with closing.raises("WritableExecutable"):
        closing.exec("ms[1].remap(WRITE)")
    closing.exec("ms[0].drop()")
    assert closed(closing, at_boot) == []
    closing.exec("ms[1].remap(WRITE); ms[1].drop()")


@pytest.mark.parametrize("size", ["8 * 4096", "2 << 20"])
def test_the_parts_of_a_split_mapping_open_one_by_one(closing, size):
    at_boot = window_of(closing)
    closing.exec(f"m = memory.create_mapping({size}, RUN); low, high = m.split(m.start + 3)")
    assert closed(closing, at_boot) == closing.eval("numbers(low, high)")
    closing.exec("low.drop()")
    assert closed(closing, at_boot) == closing.eval("numbers(high)")
    closing.exec("a, b = high.split(high.start + 2); a.merge(b)")
    assert closed(closing, at_boot) == closing.eval("numbers(a)")
    closing.exec("pages, frames = a.unmap_into_parts()")
    assert window_of(closing) == at_boot
    closing.exec("pages.drop()\nfor each in frames: each.drop()")


def test_in_the_shootdown_of_a_drop_the_window_is_still_closed(closing):
    """The frames are written by nobody before everybody has forgotten that they could be executed."""
    closing.exec("""
        m = memory.create_mapping(4096, RUN)
        at, seen = alias(numbers(m)[0]), []
        def told(pages):
            seen.append(refused(lambda: store8(at, 1)))
            seen.append(memory.verify().violations)
            seen.append(len(memory.verify().under_way) > 1)
        memory.set_broadcast_tlb_shootdown_cb(told)
        m.drop()
        m = memory.create_mapping(4096, RUN)
        m.remap(READ)
        memory.set_broadcast_tlb_shootdown_cb(None)
        m.drop()
        """)
    seen = closing.eval("seen")
    assert seen[0] == seen[3] == "PageFault"
    assert seen[1] == seen[4] == []
    assert seen[2]


def test_without_room_for_the_windows_tables_nothing_has_changed(closing):
    at_boot = window_of(closing)
    closing.exec("""
        m = memory.create_mapping(2 * 4096, WRITE)
        held = []
        while memory.frame_allocator.statistics().free:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
        then = state()
        """)
    with closing.raises("OutOfFrames"):
        closing.exec("m.remap(RUN)")
    assert closing.eval("(state() == then, m.flags.is_writable(), m.flags.is_executable())") == (True, True, False)
    assert window_of(closing) == at_boot
    closing.exec("for each in held: each.drop()")
    closing.exec("m.remap(RUN); m.drop(); del held")


def test_the_tables_of_divided_pages_are_the_kernels(closing):
    """Whoever has one of them by a technique can't write to it, as to all that the kernel runs on."""
    closing.exec("""
        from paging.protection import Protection
        m = memory.create_mapping(4096, RUN)
        walked = table.dump_pte(VirtualAddress(alias(numbers(m)[0]) + (1 << 64))).entries[-1]
        refuse = lambda: Protection.live.refuse_entry(walked.table.number, walked.index, walked.level)
        """)
    assert closing.eval("walked.level") == 1
    assert closing.eval("refused(refuse)") == "KernelInUse"
    closing.exec("m.drop()")
    assert closing.eval("refused(refuse)[:7]") == "nothing"


def test_verify_says_what_is_wrong_in_the_window_both_ways(closing):
    closing.exec("""
        from paging.natives import cpu, entries
        m = memory.create_mapping(2 * 4096, RUN)
        first = numbers(m)[0]
        def leaf(frame):
            return table.access.walk((alias(frame) >> 12) + (1 << 52), 1) & -8
        def said(frame, keep, set):
            entries.change(leaf(frame), 1, keep, set)
            cpu.flush_global()
            return memory.verify().violations
        """)
    every = (1 << 25) - 1
    (line,) = closing.eval(f"said(first + 1, {every}, 2)")
    assert line.endswith(": may be executed, and written through the physical window"), line
    assert closing.eval(f"said(first + 1, {every - 2}, 0)") == []
    (line,) = closing.eval(f"said(first + 20, {every - 2}, 0)")
    assert line.endswith(": nobody executes it, but the physical window is read-only there"), line
    assert closing.eval(f"said(first + 20, {every}, 2)") == []
    closing.exec("m.drop()")


def test_a_page_of_one_gib_is_divided_and_united(boot):
    guest = boot(memory="5G")
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=30)
    kernel.exec(source("memory/prelude"))
    kernel.exec(SETUP)
    at_boot, before = window_of(kernel), kernel.eval("state()")
    kernel.exec("frames = memory.allocate_frames_at(PhysicalAddress((5 << 30) - (3 << 12)), 1)")
    kernel.exec("m = table.map_allocated_pages_to(memory.allocate_pages(1), frames, RUN)")
    (frame,) = kernel.eval("numbers(m)")
    assert closed(kernel, at_boot) == [frame]
    assert shown(kernel, frame + 1) == (PAGE, True)
    assert shown(kernel, frame - 512) == (PAGE << 9, True)
    kernel.exec("n = memory.create_mapping(4096, RUN); m.drop(); n.drop(); del frames")
    assert window_of(kernel) == at_boot
    assert kernel.eval("state()") == before
    assert {size for _, size, _ in at_boot} >= {1 << 30}


def test_pages_of_a_store_may_be_executed(closing):
    """They are filled before they are mapped; each that goes lets its frame be written again."""
    at_boot = window_of(closing)
    closing.exec("""
        from replacement import RamStore, Swapped
        store = RamStore(6)
        for page in range(6): store.write(page, bytes([page + 1]) * 4096)
        start = 0x40_0000_0000
        area = Swapped(PageRange.from_virt_addr(VirtualAddress(start), 6 << 12), frames=2, store=store, flags=RUN)
        """)
    assert closing.eval("[_memory.load8(start + (page << 12)) for page in range(6)]") == [1, 2, 3, 4, 5, 6]
    frames = closing.eval("[table.access.translate((start >> 12) + page) for page in range(6)]")
    assert closed(closing, at_boot) == sorted(frame for frame in frames if frame >= 0)
    check_aliases(closing.guest, NoMark)
    closing.exec("area.drop()")


def test_a_processor_that_is_parked_can_write_nothing_that_another_may_execute(boot):
    """It has its own block and its interrupt controller to write to, and reads all the rest: a new one, and one that
    was attached; also after a soft reset."""
    guest = boot(processors=2)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=30)
    for _ in range(2):
        kernel.exec("from memory import *\nfrom processors import processor\nap = processor(1)")
        kernel.exec("m = create_mapping(4096, PteFlags().executable(True))")
        for _ in range(2):
            cr3 = guest.monitor.registers(1)["CR3"]
            assert cr3 != cr3_of(kernel)
            found = list(page_walk.walk(cr3, guest.memory, top_slots=WINDOW_SLOTS))
            written = sum(leaf.size for leaf in found if leaf.writable) - PAGE
            assert sum(leaf.size for leaf in found) == 4 << 30
            assert written == kernel.eval("__import__('_processors').BLOCK_FRAMES") * PAGE
            assert [leaf for leaf in found if leaf.writable and leaf.pa == 0xFEE0_0000]
            kernel.exec("ap.read(m.start_address); ap.park()")
        check_aliases(guest, NoMark)
        kernel.soft_reset()


INJECTED = """
OPERATIONS.update({
    "create": (dict, lambda o: memory.create_mapping(4096, RUN)),
    "create huge": (dict, lambda o: memory.create_mapping(2 << 20, RUN)),
    "remap to": (lambda: {"m": memory.create_mapping(3 * 4096, WRITE)}, lambda o: o["m"].remap(RUN)),
    "drop": (lambda: {"m": memory.create_mapping(3 * 4096, RUN)}, lambda o: o["m"].drop()),
    "remap from": (lambda: {"m": memory.create_mapping(3 * 4096, RUN)}, lambda o: o["m"].remap(READ)),
    "split": (lambda: {"m": memory.create_mapping(2 << 20, RUN)}, lambda o: o["m"].split(o["m"].start + 3)),
    "deep_copy": (lambda: {"m": memory.create_mapping(4096, RUN)}, lambda o: o["m"].deep_copy()),
})
"""


@pytest.mark.parametrize("operation", ["create", "create huge", "remap to", "drop", "remap from", "split", "deep_copy"])
def test_want_of_memory_or_frames_changes_nothing(kernel, operation):
    kernel.exec(source("memory/prelude"))
    kernel.exec(source("memory/injection"))
    kernel.exec(INJECTED)
    kernel.exec("memory.create_mapping(4096, RUN).drop()")  # what is loaded when it is first used
    at_start = kernel.eval("state()")
    assert tried(kernel, f"fail_allocations({operation!r})") >= 1
    assert tried(kernel, f"starve({operation!r})") >= 1
    assert kernel.eval("state()") == at_start
