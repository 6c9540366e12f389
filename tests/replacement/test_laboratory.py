"""The replacement laboratory: traces that are made, read, recorded and replayed; every bad one has its own error."""

import pytest
from oracle.replacement import faults_of

LAB = """
import faults, memory, uctypes
from memory import PAGE_SIZE, PageRange, VirtualAddress
from replacement import Policy, Swapped
from replacement.laboratory import *
from replacement.recording import record
from replacement.traces import *
AREA, PAGES = 0x30_0000_0000, 16
area = PageRange.from_virt_addr(VirtualAddress(AREA), PAGES * PAGE_SIZE)
bytes_there = uctypes.bytearray_at(AREA, PAGES * PAGE_SIZE)
def touch_pages(numbers):
    for number in numbers: bytes_there[number * PAGE_SIZE]
def write_page(number):
    bytes_there[number * PAGE_SIZE] = 1
def references(trace):
    return [(each >> 1, each & 1) for each in trace.references]
def written(content):
    with open("t.trace", "wb") as file: file.write(content)
    return "t.trace"
"""


@pytest.fixture
def lab(kernel):
    """A kernel with LAB in it."""
    kernel.timeout = 60
    kernel.exec(LAB)
    return kernel


REFUSED = {
    "no such policy": ("faults_of('lru', 2, [1, 2, 3])", "UnknownPolicy", "'lru' is no .* there are opt, fifo, clock"),
    "no policy": ("faults_of(3, 2, [1, 2, 3])", "UnknownPolicy", "3 is no"),
    "no frames": ("faults_of('fifo', 0, [1, 2, 3])", "NoSuchFrames", "0 frames for 3 pages.*1 to 3"),
    "frames below none": ("faults_of('fifo', -1, [1])", "NoSuchFrames", "-1 frames for 1 pages"),
    "more frames than pages": ("faults_of('fifo', 4, [1, 2, 9, 1])", "NoSuchFrames", "4 frames for 3 pages"),
    "frames that are no number": ("faults_of('fifo', '2', [1, 2])", "NoSuchFrames", "'2' frames"),
    "no interval": ("faults_of('nru', 1, [1, 2], interval=0)", "NoSuchNumber", "interval is 0"),
    "no references": ("faults_of('fifo', 1, [])", "EmptyTrace", "has no references"),
    "a page below none": ("Trace([1, -2])", "BadReference", "reference 1 is -2: .* 0 to 32767"),
    "a page beyond all": ("Trace([32768])", "BadReference", "reference 0 is 32768"),
    "a page that is no number": ("Trace([1, 2.5])", "BadReference", "reference 1 is 2.5"),
    "no such trace": ("made('zip')", "UnknownTrace", "'zip' is no trace: uniform, zipf, .* belady are made"),
    "no pages": ("made('zipf', pages=0)", "NoSuchNumber", "pages is 0"),
    "too many pages": ("made('zipf', pages=32769)", "NoSuchNumber", "pages is 32769: .* 1 to 32768"),
    "too many references": ("made('zipf', 1 << 21)", "NoSuchNumber", "references is 2097152"),
    "more writes than all": ("made('zipf', writes=101)", "NoSuchNumber", "writes is 101"),
    "no seed": ("made('zipf', seed=0)", "NoSuchNumber", "seed is 0: .* 1 to 2147483646"),
    "no file": ("read('nobody.trace')", "OSError", "2"),
    "an empty file": ("read(written(b''))", "EmptyTrace", "t.trace has no references"),
    "another letter": (
        "read(written(b' L 1000,4\\n X 2000,4'))",
        "BadTraceLine",
        "t.trace, line 2: ' X 2000,4'.* L, S",
    ),
    "no address": ("read(written(b'L zzz,4'))", "BadTraceLine", "line 1.*an address in hexadecimal"),
    "no size": ("read(written(b'L 1000'))", "BadTraceLine", "line 1.*a size from 1 to 4096"),
    "a size of nothing": ("read(written(b'L 1000,0'))", "BadTraceLine", "a size from 1 to 4096"),
    "an address beyond 64 bits": ("read(written(b'L 1' + 16 * b'0' + b',1'))", "BadTraceLine", "an address"),
    "no text": ("read(written(b'L \\xff\\xfe,1'))", "BadTraceLine", "it is no text"),
}


def test_each_bad_input_has_its_own_error_and_leaves_nothing(lab):
    for what, (line, name, match) in REFUSED.items():
        with lab.raises(name, match):
            lab.exec(f"_ = '{what}'\n{line}")
    assert lab.eval("__import__('faults').handlers.handlers()") == []
    assert lab.eval("belady()") == (9, 10)


def test_a_file_is_read_as_lackey_writes_it(lab):
    lab.exec("""
        trace = read(written(b"==42== Lackey\\n\\nI  7f0ffe,4\\n L 1ffeffe7e0,8\\n S 601000,1\\n M 1ffeffe7e8,4\\n"))
        """)
    # 7f0 and 7f1 are crossed by an instruction; 601 is the lowest, 1ffeffe the highest.
    assert lab.eval("references(trace)") == [(1, 0), (2, 0), (3, 0), (0, 1), (3, 1)]
    lab.exec("trace.save('saved.trace')")
    assert lab.eval("references(read('saved.trace'))") == lab.eval("references(trace)")


def test_made_traces_are_what_their_names_say(lab):
    made = {kind: lab.eval(f"references(made({kind!r}, 2000, 16, 5))") for kind in lab.eval("KINDS")}
    pages = {kind: [page for page, _ in trace] for kind, trace in made.items()}
    assert all(400 < sum(write for _, write in trace) < 600 for trace in made.values())
    assert pages["loop"][:33] == [*range(16), *range(16), 0]
    assert pages["belady"][:13] == [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5, 1]
    assert all(80 < pages["uniform"].count(page) < 180 for page in range(16))
    assert 1.6 < pages["zipf"].count(0) / pages["zipf"].count(1) < 2.6
    assert 0.75 < sum(page < 4 for page in pages["favourites"]) / 2000 < 0.95
    assert pages["scan"][128:144] == list(range(16))
    assert all(len(set(pages["phases"][first : first + 128])) == 4 for first in range(0, 1920, 128))
    assert lab.eval("references(made('zipf', 99, 16, 5))") != lab.eval("references(made('zipf', 99, 16, 6))")
    assert lab.eval("made('belady').numbers()") == pages["belady"][:12]


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_what_is_recorded_is_what_was_seen_and_replays_alike(lab, frames):
    lab.exec(f"""
        def program():
            touch_pages([0, 1, 0, 2, 2, 3])
            write_page(1)
            touch_pages([0, 1, 0, 1, 0, 1, 7])
            write_page(7)
        swapped = Swapped(area, {frames}, policy="clock", cluster=4)
        write_page(0)  # before it is recorded: neither a reference nor a write of it
        before = swapped.faults
        trace = record(swapped, program)
        faults = swapped.faults - before
        """)
    seen = {
        1: [(1, 0), (0, 0), (2, 0), (3, 0), (1, 1), (0, 0), (1, 0), (0, 0), (1, 0), (0, 0), (1, 0), (7, 1)],
        2: [(0, 0), (1, 0), (0, 0), (2, 0), (3, 0), (1, 1), (0, 0), (1, 0), (7, 1)],
        3: [(0, 0), (1, 0), (0, 0), (2, 0), (3, 0), (1, 1), (0, 0), (1, 0), (0, 0), (7, 1)],
        5: [(0, 0), (1, 0), (0, 0), (2, 0), (3, 0), (0, 0), (1, 1), (7, 1)],
    }[frames]
    found = lab.eval("references(trace)")
    if frames == 1:
        assert [pair for pair in found if pair[0]] == [pair for pair in seen if pair[0]]
    else:
        assert found == seen
    again = faults_of("fifo", [(0, False), *found], frames, 32)
    assert len(again) - 1 == lab.eval("faults")
    assert lab.eval("(swapped.policy.name, swapped.cluster, trace.name)") == ("clock", 4, "recorded")


def test_a_recording_that_fails_says_why_and_leaves_the_policy(lab):
    lab.exec("""
        swapped = Swapped(area, 2, policy="clock")
        def nothing(): pass
        def fails(): touch_pages([1, 2]); raise KeyError("mine")
        def changes_it(): touch_pages([1, 2]); swapped.policy = "fifo"; touch_pages([3])
        """)
    with lab.raises("EmptyTrace", "recorded"):
        lab.exec("record(swapped, nothing)")
    with lab.raises("KeyError", "mine"):
        lab.exec("record(swapped, fails)")
    with lab.raises("RecordingLost", "record anew"):
        lab.exec("record(swapped, changes_it)")
    assert lab.eval("swapped.policy.name") == "clock"


def test_a_policy_of_ones_own_is_compared_without_a_reboot(lab):
    lab.exec("""
        class Latest(Policy):
            name = "latest"
            def loaded(self, page): self.page = page
            def victim(self): return self.page
        class Wrong(Latest):
            name = "wrong"
            def victim(self): return 7
        """)
    resident, faults = [], 0
    for page in 16 * [0, 1, 2, 3]:
        if page not in resident:
            resident[2:] = [page]
            faults += 1
    assert lab.eval("faults_of(Latest, 3, made('loop', 64, 4))") == faults
    with lab.raises("PolicyFailed", "policy wrong chose 7, which has no frame"):
        lab.exec("faults_of(Wrong, 3, made('loop', 64, 4))")
    with lab.raises("OffTrace", "reference 1 is to page 4"):
        lab.exec("""
            from replacement.policies import policy_of
            opt = policy_of("opt")(2, None, [3, 5])
            opt.reference(3)
            opt.reference(4)
            """)
    assert lab.eval("belady()") == (9, 10)


def test_ctrl_c_amid_a_run_leaves_nothing_behind(lab):
    lab.start("print('begun')\nwhile True: faults_of('clock', 8, made('uniform', 4000, 64))")
    lab.wait_for_output("begun")
    lab.interrupt()
    with lab.raises("KeyboardInterrupt"):
        lab.finish(30)
    assert lab.eval("len(__import__('faults').handlers.handlers())") == 0
    assert lab.eval("belady()") == (9, 10)
    assert "nothing to complain of" in lab.text("memory.verify()")
