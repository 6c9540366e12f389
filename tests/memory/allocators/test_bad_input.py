"""Every senseless call is refused with an error of its own, which says what was wrong, and changes nothing.

Rows are (expression, class of the error). The owners that the rows use: a, b are pages that touch, c is apart; f, g
are frames that touch; d is dead, r is a device region, u is unmapped.
"""

import json

import pytest
from harness import unix_port

SETUP = """
from small_machine import *
a, b = allocate_pages_at(V(0x400000), 4), allocate_pages_at(V(0x404000), 4)
c = allocate_pages_at(V(0x500000), 4)
f, g = allocate_frames_at(P(0x400000), 4), allocate_frames_at(P(0x404000), 4)
d, r, u = dead_pages(), allocate_frames_at(P(0xfee00000), 1), unmapped_frames(3)
e, _ = allocate_pages_at(V(0x600000), 1).split(page(0x601000))
empty, _ = allocate_pages_at(V(0x700000), 1).split(page(0x700000))
action = allocate_pages_deferred(AllocationRequest.Any(), 1)[1]
action.drop()
Any, At, Aligned, Within = (AllocationRequest.Any, AllocationRequest.AtAddress, AllocationRequest.AlignedTo,
                            AllocationRequest.WithinRange)
tables = fa.table_frames
"""

# One line per call, for pages and for frames alike: {k} is pages or frames, {A} the right address class, {W} the wrong.
BOTH = """
allocate_{k}(0) | ValueError
allocate_{k}(-1) | ValueError
allocate_{k}(True) | TypeError
allocate_{k}(False) | TypeError
allocate_{k}(1.0) | TypeError
allocate_{k}(600.0) | TypeError
allocate_{k}("1") | TypeError
allocate_{k}(None) | TypeError
allocate_{k}({A}(1)) | TypeError
allocate_{k}(10**9 * 10**9) | {O}
allocate_{k}(2**64 + 1) | {O}
allocate_{k}(2**64 + 600) | {O}
allocate_{k}(2**52) | {O}
allocate_{k}(2**35) | {O}
allocate_{k}_by_bytes(0) | ValueError
allocate_{k}_by_bytes(-4096) | ValueError
allocate_{k}_by_bytes(1.5) | TypeError
allocate_{k}_by_bytes(True) | TypeError
allocate_{k}_by_bytes(2**64) | {O}
allocate_{k}_at({A}(0x800000), 0) | ValueError
allocate_{k}_at({A}(0x800000), -3) | ValueError
allocate_{k}_at({A}(0x800000), True) | TypeError
allocate_{k}_at({A}(0x800000), 2.0) | TypeError
allocate_{k}_at({W}(0x800000), 1) | TypeError
allocate_{k}_at(0x800000, 1) | TypeError
allocate_{k}_at(None, 1) | TypeError
allocate_{k}_at({A}(0x800000), 2**51) | OutOfRange
allocate_{k}_at({A}(0x800000), 2**60) | {O}
allocate_{k}_at({A}(0x400000), 1) | AddressInUse
allocate_{k}_at({A}(0x3ff000), 2) | AddressInUse
allocate_{k}_at({A}(0x407000), 2) | AddressInUse
allocate_{k}_by_bytes_at({A}(0x800001), 0) | ValueError
allocate_{k}_by_bytes_at({A}(0x800000), 0) | ValueError
allocate_{k}_by_bytes_at({A}(0x800000), -1) | ValueError
allocate_{k}_by_bytes_at({A}(0x3fffff), 2) | AddressInUse
allocate_{k}_by_bytes_at({W}(0x800000), 1) | TypeError
allocate_{k}_by_bytes_at({A}(0x800000), 1.0) | TypeError
allocate_{k}_in_range(0, {k}(0x800000, 0x900000)) | ValueError
allocate_{k}_in_range(True, {k}(0x800000, 0x900000)) | TypeError
allocate_{k}_in_range(300, {k}(0x800000, 0x900000)) | {O}
allocate_{k}_in_range(1, {k}(0x400000, 0x407000)) | {O}
allocate_{k}_in_range(1, {R}.empty()) | ValueError
allocate_{k}_in_range(1, {S}.empty()) | TypeError
allocate_{k}_in_range(1, {w}(0x800000, 0x900000)) | TypeError
allocate_{k}_in_range(1, (1, 2)) | TypeError
allocate_{k}_in_range(1, None) | TypeError
allocate_{k}_by_bytes_in_range(0, {k}(0x800000, 0x900000)) | ValueError
allocate_{k}_by_bytes_in_range(2**21, {k}(0x800000, 0x900000)) | {O}
allocate_{k}_deferred(Any(), 0) | ValueError
allocate_{k}_deferred(Any(), True) | TypeError
allocate_{k}_deferred(None, 1) | TypeError
allocate_{k}_deferred(Any, 1) | TypeError
allocate_{k}_deferred(At({W}(0x800000)), 1) | TypeError
allocate_{k}_deferred(At({A}(0x400000)), 1) | AddressInUse
allocate_{k}_deferred(At({A}(0x8ff000)) & Within({k}(0x800000, 0x8ff000)), 2) | OutOfRange
allocate_{k}_deferred(Within({w}(0x800000, 0x900000)), 1) | TypeError
allocate_{k}_deferred(Within({k}(0x801000, 0x802000)) & Aligned(512), 1) | {O}
allocate_{k}_deferred(Any(), 2**52) | {O}
allocate_{k}_by_bytes_deferred(Any(), 0) | ValueError
allocate_{k}_by_bytes_deferred(Any(), 1.0) | TypeError
"""

ONLY_PAGES = """
allocate_pages_at(V(0), 1) | AddressInUse
allocate_pages_at(V(0xffff800000000000), 1) | AddressInUse
allocate_pages_at(V(0xffffff0000000000), 1) | AddressInUse
allocate_pages_at(V(0xffffffffffffe000), 3) | OutOfRange
allocate_pages_at(V(0x7fffffffe000), 3) | OutOfRange
allocate_pages_at(V(0x7fffffffe000), 2**51) | OutOfRange
allocate_pages_by_bytes_at(V(0x7fffffffffff), 2) | OutOfRange
allocate_pages_in_range(1, pages(0, 0)) | OutOfRange
allocate_pages_in_range(1, pages(0xffff800000000000, 0xffff800000001000)) | OutOfRange
a.split(page(0x3ff000)) | OutOfRange
a.split(page(0x405000)) | OutOfRange
a.split(frame(0x401000)) | TypeError
a.split(V(0x401000)) | TypeError
a.split(0x401) | TypeError
a.split(None) | TypeError
empty.split(page(0x700000)) | OutOfRange
a.merge(c) | NotTouching
c.merge(a) | NotTouching
a.merge(a) | NotTouching
a.merge(empty) | NotTouching
empty.merge(a) | NotTouching
a.merge(f) | TypeError
a.merge(None) | TypeError
a.merge(pages(0x404000, 0x407000)) | TypeError
a.merge(d) | UseAfterMove
d.merge(a) | UseAfterMove
d.drop() | UseAfterMove
d.split(page(0x400000)) | UseAfterMove
d.range | UseAfterMove
d.start_address | UseAfterMove
d.size_in_bytes | UseAfterMove
d.contains_address(V(0)) | UseAfterMove
d.__enter__() | UseAfterMove
len(d) | UseAfterMove
pa.into_mapped(d, "map()") | UseAfterMove
AllocatedPages().drop() | UseAfterMove
AllocatedPages().range | UseAfterMove
AllocatedPages(a).drop() | UseAfterMove
action.drop() | UseAfterMove
a.offset_of_address(V(0x404000)) | OutOfRange
a.offset_of_address(P(0x400000)) | TypeError
a.address_at_offset(16384) | OutOfRange
a.address_at_offset(-1) | ValueError
a.contains(frame(0x400000)) | TypeError
a.nonsense | AttributeError
pa.into_mapped(f, "map()") | IllegalState
pa.into_mapped(None, "map()") | TypeError
pa.from_mapped(0x400, 1) | IllegalState
pa.from_mapped(0x400, 0) | ValueError
PageAllocator.from_layout(POOL, [], []).into_mapped(a, "map()") | ValueError
"""

ONLY_FRAMES = """
allocate_frames_at(P(0x100000), 1) | AddressInUse
allocate_frames_at(P(0x1ff000), 2) | AddressInUse
allocate_frames_at(P(0x300000), 1) | AddressInUse
allocate_frames_at(P(0x310000), 1) | AddressInUse
allocate_frames_at(P(0xfee00000), 1) | AddressInUse
allocate_frames_at(P(0xfedff000), 2) | AddressInUse
allocate_frames_at(P(0xfef000), 2) | OutOfRange
allocate_frames_at(P(0xffff000), 0x100000) | AddressInUse
allocate_frames_at(P(0xffffffffff000), 2) | OutOfRange
allocate_frames_at(P(0xffffffffff000), 2**41) | OutOfRange
allocate_frames_in_range(1, frames(0, 0xff000)) | OutOfRange
allocate_frames_in_range(1, frames(0xfee00000, 0xfee00000)) | OutOfFrames
f.split_range(frames(0x3ff000, 0x400000)) | OutOfRange
f.split_range(frames(0x403000, 0x404000)) | OutOfRange
f.split_range(FrameRange.empty()) | OutOfRange
f.split_range(pages(0x400000, 0x401000)) | TypeError
f.split_range(None) | TypeError
f.split(page(0x401000)) | TypeError
f.merge(r) | NotTouching
f.merge(u) | TypeError
u.merge(f) | TypeError
fa.into_mapped(u, "map()") | IllegalState
fa.into_mapped(a, "map()") | IllegalState
fa.from_mapped(0x400, 17) | IllegalState
fa.from_mapped(0x100, 1) | IllegalState
tables.deallocate_frame(frame(0x900000)) | IllegalState
tables.deallocate_frame(frame(0x100000)) | IllegalState
tables.deallocate_frame(frame(0xfee00000)) | IllegalState
tables.deallocate_frame(page(0x400000)) | TypeError
tables.deallocate_frame(Frame(512, Page2M)) | TypeError
tables.deallocate_frame(0x400) | TypeError
FrameAllocator.from_boot([], []) | ValueError
FrameAllocator.from_boot([(0, 0x100000, 1)], []) | ValueError
"""

REQUESTS = """
At(5) | TypeError
At(None) | TypeError
At(page(0x1000)) | TypeError
At(V(5)) & At(V(6)) | ValueError
At(V(0x1fff)) & Aligned(2) | Misaligned
Aligned(0) | ValueError
Aligned(-1) | ValueError
Aligned(True) | TypeError
Aligned(1.0) | TypeError
Aligned("2") | TypeError
Aligned(2**52) | ValueError
Within(None) | TypeError
Within((1, 2)) | TypeError
Within(page(0)) | TypeError
Within(PageRange.empty()) | ValueError
Any() & 5 | TypeError
Any() & None | TypeError
At(V(0x1000)) & At(V(0x2000)) | ValueError
At(V(0x1000)) & At(P(0x1000)) | TypeError
At(V(0x1000)) & Aligned(2) | Misaligned
At(V(0x9000)) & Within(pages(0x1000, 0x8000)) | OutOfRange
At(P(0x1000)) & Within(pages(0x1000, 0x8000)) | TypeError
Within(pages(0x1000, 0x2000)) & Within(pages(0x3000, 0x4000)) | ValueError
Within(pages(0x1000, 0x2000)) & Within(frames(0x1000, 0x2000)) | TypeError
"""

PAGE_WORDS = {"k": "pages", "w": "frames", "A": "V", "W": "P", "R": "PageRange", "S": "FrameRange", "O": "OutOfPages"}
FRAME_WORDS = {"k": "frames", "w": "pages", "A": "P", "W": "V", "R": "FrameRange", "S": "PageRange", "O": "OutOfFrames"}


def rows():
    """Return all (expression, class of the error)."""
    tables = [BOTH.format(**PAGE_WORDS), BOTH.format(**FRAME_WORDS), ONLY_PAGES, ONLY_FRAMES, REQUESTS]
    return [tuple(line.rsplit(" | ", 1)) for table in tables for line in table.strip().splitlines()]


CHECK = """
import json, sys
from small_machine import *
exec(open(sys.argv[1]).read())
before = digest()
answers = []
for expression in json.load(open(sys.argv[2])):
    try:
        answers.append(["no error", repr(eval(expression))])
    except Exception as error:
        answers.append([type(error).__name__, str(error.args[0]) if error.args else ""])
    if digest() != before:
        answers[-1][0] += " BUT SOMETHING CHANGED"
        before = digest()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each row's call raised: {expression: (class of the error, its message)}."""
    folder = tmp_path_factory.mktemp("bad-input")
    expressions = [expression for expression, _ in rows()]
    (folder / "setup.py").write_text(SETUP)
    (folder / "expressions.json").write_text(json.dumps(expressions))
    output = unix_port.run_code(folder, CHECK, folder / "setup.py", folder / "expressions.json")
    return dict(zip(expressions, json.loads(output), strict=True))


def test_there_are_enough_rows():
    assert len({expression for expression, _ in rows()}) >= 150


def test_each_call_is_refused_as_the_table_says_and_changes_nothing(answers):
    wrong = [
        f"{expression}: {answers[expression][0]} ({answers[expression][1]}), expected {expected}"
        for expression, expected in rows()
        if answers[expression][0] != expected
    ]
    assert wrong == []


def test_each_refusal_is_one_line_that_says_something(answers):
    mute = [expression for expression, (_, message) in answers.items() if len(message) < 10 or "\n" in message]
    assert mute == []


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "allocate_frames_at(P(0x100000), 1)",
            "FrameRange(p0x100000..=p0x100fff) is not free: "
            "FrameRange(p0x100000..=p0x100fff) is in use by the kernel's image",
        ),
        ("d.drop()", "AllocatedPages is dead: consumed by drop()"),
        ("a.split(page(0x405000))", "Page(v0x405000) is outside AllocatedPages(v0x400000..=v0x403fff)"),
        (
            "a.merge(c)",
            "AllocatedPages(v0x400000..=v0x403fff) and AllocatedPages(v0x500000..=v0x503fff) cannot be merged: "
            "they do not touch",
        ),
        ("Aligned(0)", "an alignment must be from 1 to 2^52 - 1 chunks of 4 KiB, not 0"),
    ],
)
def test_messages_carry_the_values(answers, expression, message):
    assert answers[expression][1] == message
