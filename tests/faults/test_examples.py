"""The examples of memory management by fault handlers do what they say, and stay short."""

import ast

import machine
import pytest
from harness import depth
from oracle.replacement import faults_of

EXAMPLES = sorted((machine.ROOT / "kernel" / "examples").glob("*.py"))
AREA = depth.root_entry(32)
PAGE = 4096

SETUP = f"""
import memory, gc, faults, micropython, uctypes
from memory import Page, PageRange, VirtualAddress
AREA = {AREA:#x}
area = PageRange.from_virt_addr(VirtualAddress(AREA), 16 * 4096)
def view(count=16): return uctypes.bytearray_at(AREA, count * 4096)
def frames_in_use():
    s = memory.frame_allocator.statistics()
    return s.mapped + s.allocated
def pages_of(example): return sorted(number - (AREA >> 12) for number in example.mapped)
"""


@pytest.fixture
def play(kernel):
    """A kernel with a free area of 16 pages in the lower half."""
    kernel.exec(SETUP)
    return kernel


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    """After each test that drops its example: memory is as before, and the audit finds nothing."""
    if "play" not in request.fixturenames:
        yield
        return
    kernel = request.getfixturevalue("play")
    kernel.exec("before = frames_in_use()")
    yield
    kernel.exec("if 'example' in globals(): example.drop()")
    assert kernel.eval("frames_in_use() - before") == 0
    assert kernel.eval("len(memory.verify().violations)") == 0
    assert kernel.eval("__import__('faults.handlers', None, None, ['handlers']).handlers()") == []


def test_demand_paging_maps_what_is_touched_and_nothing_else(play):
    play.exec("from examples.demand_paging import DemandPaged\nexample = DemandPaged(area)")
    assert play.eval("frames_in_use() - before") == 0
    play.exec("view()[3 * 4096 + 5] = 7")
    assert play.eval("(view()[3 * 4096 + 5], view()[9 * 4096], pages_of(example))") == (7, 0, [3, 9])
    assert play.eval("sum(view())") == 7
    assert play.eval("len(example.mapped)") == 16


def test_demand_paging_out_of_frames_is_an_exception_and_nothing_is_half_done(play):
    play.exec("""
        from examples.demand_paging import DemandPaged
        example = DemandPaged(area)
        view()[0] = 1
        held = []
        while memory.frame_allocator.statistics().free:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
        """)
    with play.raises("OutOfFrames"):
        play.exec("view()[4096] = 1")
    play.exec("for owner in held: owner.drop()\nheld = None\nview()[4096] = 1")
    assert play.eval("pages_of(example)") == [0, 1]


def test_zero_fill_costs_one_frame_until_somebody_writes(play):
    play.exec(
        "from examples.zero_fill import ZeroFilled\nexample = ZeroFilled(area)\nview()[0]\nat_first = frames_in_use()"
    )
    assert play.eval("sum(view())") == 0
    assert play.eval("(len(example.mapped), len({m.frames()[0].start.number for m in example.mapped.values()}))") == (
        16,
        1,
    )
    play.exec("view()[2 * 4096] = 5; view()[3 * 4096] = 6")
    assert play.eval("(sum(view()), view()[2 * 4096], example.zeros.users)") == (11, 5, 14)


def test_copy_on_write_shows_the_writer_its_own(play):
    play.exec("""
        from examples.copy_on_write import CopyOnWrite
        shared = [memory.SharedFrames(memory.allocate_frames(1)) for n in range(4)]
        table = memory.get_kernel_mmi_ref().page_table
        writable = [table.map_shared(memory.allocate_pages(1), frames, memory.HEAP_FLAGS) for frames in shared]
        for n, pages in enumerate(writable):
            with pages.as_slice_mut('B') as v: v[:] = bytes([n + 1]) * 4096
        first = PageRange.from_virt_addr(VirtualAddress(AREA), 4 * 4096)
        second = PageRange.from_virt_addr(VirtualAddress(AREA + 0x100000), 4 * 4096)
        example, other = CopyOnWrite(first, shared), CopyOnWrite(second, shared)
        def other_view(): return uctypes.bytearray_at(AREA + 0x100000, 4 * 4096)
        """)
    assert play.eval("[view(4)[n * 4096] for n in range(4)]") == [1, 2, 3, 4]
    play.exec("view(4)[2 * 4096 + 1] = 99")
    assert play.eval("[list(v[2 * 4096 : 2 * 4096 + 3]) for v in (view(4), other_view())]") == [[3, 99, 3], [3, 3, 3]]
    assert play.eval("[frames.users for frames in shared]") == [3, 3, 2, 3]
    play.exec("other.drop()\nfor pages in writable: pages.drop()\nfor frames in shared: frames.drop()")


def test_a_growing_stack_grows_down_to_its_guard(play):
    play.exec("from examples.growing_stack import GrowingStack\nexample = GrowingStack(area)\nview()[15 * 4096] = 1")
    assert play.eval("pages_of(example)") == [15]
    play.exec("view()[10 * 4096] = 1")
    assert play.eval("pages_of(example)") == [10, 11, 12, 13, 14, 15]
    play.exec("view()[4096] = 1")
    with play.raises("PageFault", "not present"):
        play.exec("view()[0] = 1")
    assert play.eval("len(example.mapped)") == 15


def test_a_handler_on_its_own_stack_may_go_as_deep_as_that_is(play):
    """Deeper than the kernel's own stack is; and what is too deep for both is raised at the fault."""
    play.exec("""
        from examples.own_stack import OnOwnStack
        from examples.single_pages import drop_all, map_own
        from memory import verify
        mapped = {}
        def deep(n): return n and 1 + deep(n - 1)
        def answer(fault):
            deep(700 if fault.page.number < area.start.number + 8 else 10 ** 6)
            mapped[fault.page.number] = map_own(fault.page)
            return True
        example = OnOwnStack(area, answer, 128)
        view()[0] = 1
        """)
    with play.raises("RuntimeError", "maximum recursion depth exceeded"):
        play.exec("deep(700)")
    with play.raises("RuntimeError", "maximum recursion depth exceeded"):
        play.exec("view()[9 * 4096] = 1")
    assert play.eval("(view()[0], len(mapped), verify().violations)") == (1, 1, [])
    play.exec("drop_all(mapped)")


def test_a_guard_page_names_the_buffer_that_was_overrun(play):
    play.exec("""
        from examples.guard_page import GuardedBuffer
        example = GuardedBuffer("the ring buffer", 8192)
        start = example.pages.start_address.value
        uctypes.bytearray_at(start, 8192)[8191] = 1
        """)
    with play.raises("Overrun", "the ring buffer was overrun by 5 bytes"):
        play.exec("uctypes.bytearray_at(start, 16384)[8192 + 4] = 1")


@pytest.mark.parametrize("policy", ["fifo", "clock"])
def test_page_replacement_keeps_what_was_written(play, policy):
    play.exec(f"""
        from examples.page_replacement import Pager, {policy}
        example = Pager(area, 4, {policy})
        for n in range(16): view()[n * 4096 + n] = n + 100
        """)
    assert play.eval("(len(example.resident), frames_in_use() - before)") == (4, 4)
    assert play.eval("[view()[n * 4096 + n] for n in range(16)]") == [n + 100 for n in range(16)]
    play.exec("for n in range(15, -1, -1): view()[n * 4096] = n")
    assert play.eval("[(view()[n * 4096], view()[n * 4096 + n]) for n in range(1, 16)]") == [
        (n, n + 100) for n in range(1, 16)
    ]
    assert play.eval("len(example.resident)") == 4


@pytest.mark.parametrize("policy", ["fifo", "clock"])
@pytest.mark.parametrize("frames", [3, 4])
@pytest.mark.parametrize(
    "references", [[1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5], [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1]]
)
def test_policies_fault_as_often_as_the_textbook_says(play, policy, frames, references):
    """With Belady's anomaly: FIFO takes more faults on four frames than on three for the first string."""
    play.exec(f"""
        from examples.page_replacement import Pager, {policy}
        example = Pager(area, {frames}, {policy})
        for page in {references}: view()[page * 4096]
        """)
    expected = faults_of(policy, [(page, False) for page in references], frames, len(references))
    assert play.eval("example.faults") == len(expected)


def test_clean_pages_are_not_written_back(play):
    play.exec("""
        from examples.page_replacement import Pager
        example = Pager(area, 4)
        for n in range(16): view()[n * 4096]
        view()[4096] = 1
        for n in range(16): view()[n * 4096]
        """)
    assert play.eval("list(example.store.pages)") == [1]


def test_a_fault_names_the_mapping_that_it_hit(play):
    play.exec("mapped = memory.create_mapping(8192, memory.PteFlags())\nat = mapped.start_address.value")
    with play.raises("PageFault", "read-only at P1; exclusive mapping PageRange.*, r--: remap it writable"):
        play.exec("uctypes.bytearray_at(at, 8192)[4096] = 1")
    play.exec("""
        try: uctypes.bytearray_at(at, 8192)[4096] = 1
        except faults.PageFault as fault: found = fault.mapping
        """)
    assert play.eval("(found.range == mapped.range, found.kind, found.rights())") == (True, "exclusive", "r--")
    play.exec("mapped.drop()")


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_examples_are_short(path):
    """Fewer than 20 lines of code in each function or method, and a handler that fits on a screen."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno + 1 < 20, node.name
