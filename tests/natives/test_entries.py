"""Each act on the entries of a table does what its contract says, against a model of a table as 512 numbers.

Runs of every length up to a few chunks begin at every alignment, with one entry that differs at every place: the acts
look at entries in pairs, eights and sixteens, and must not miss one at an edge.
"""

import random

import numpy
import pytest
from harness import depth

PAGE = 4096
SCRATCH = 0x300_0000
FRAME = 0xFFFFFFFFFF
LENGTHS = [*range(20), 31, 32, 33, 47, 48, 49, 511, 512]


def entry(frame, word):
    """The bits of an entry with that frame number and raw word."""
    return frame << 12 | word & 0xFFF | (word >> 12 & 0xFFF) << 52 | (word >> 24 & 1) << 12


def bits(keep):
    """The bits of an entry that a raw word means."""
    return entry(0, keep)


class Table:
    """A table in RAM, by the host; `.at` is where the kernel sees it."""

    def __init__(self, kernel, number=0):
        self.memory = kernel.guest.memory
        self.place = SCRATCH + number * PAGE
        self.at = depth.WINDOW + self.place

    def write(self, entries):
        self.memory.write(self.place, numpy.array(entries, "<u8").tobytes())

    def read(self):
        return numpy.frombuffer(self.memory.read(self.place, PAGE), "<u8").tolist()


@pytest.fixture
def acts(kernel):
    kernel.exec("from _entries import *\nfrom _entries import frame as frame_of, word as word_of")
    return kernel


@pytest.fixture
def table(acts):
    return Table(acts)


def runs():
    """(index, count) of runs of all lengths, at different alignments."""
    for count in LENGTHS:
        for index in {0, 1, 2, 3, 7, 8, 512 - count} if count < 500 else {0, 512 - count}:
            yield index, count


def test_one_entry_is_read_and_written_whole(acts, table):
    numbers = random.Random(1)
    for _ in range(20):
        frame, word = numbers.getrandbits(40), numbers.getrandbits(24)
        table.write([0] * 512)
        acts.exec(f"write({table.at + 8 * 7}, {frame}, {word})")
        assert table.read()[7] == entry(frame, word)
        assert acts.eval(f"(frame_of({table.at + 56}), word_of({table.at + 56}))") == (frame, word)
        assert acts.eval(f"compare_and_set({table.at + 56}, {frame}, {word ^ 1}, 1, 1)") is False
        assert table.read()[7] == entry(frame, word), "it was not so, and stays"
        assert acts.eval(f"compare_and_set({table.at + 56}, {frame}, {word}, 5, 3)") is True
        assert table.read()[7] == entry(5, 3)
        assert acts.eval(f"take({table.at + 56})") == 3
        assert table.read() == [0] * 512


@pytest.mark.parametrize("step", [1, 512])
def test_a_run_is_filled_and_not_one_entry_more(acts, table, step):
    frame, word = 0x12345, 0x801023
    for index, count in runs():
        table.write([7] * 512)
        acts.exec(f"fill({table.at + 8 * index}, {count}, {frame}, {word}, {step})")
        expected = [entry(frame + n * step, word) for n in range(count)]
        assert table.read() == [7] * index + expected + [7] * (512 - index - count), (index, count)


def test_a_run_is_cleared_and_not_one_entry_more(acts, table):
    for index, count in runs():
        table.write([7] * 512)
        acts.exec(f"clear({table.at + 8 * index}, {count})")
        assert table.read() == [7] * index + [0] * count + [7] * (512 - index - count), (index, count)


def test_a_run_is_copied_and_not_one_entry_more(acts, table):
    other = Table(acts, 1)
    source = [n << 12 | 5 for n in range(512)]
    table.write(source)
    for index, count in runs():
        other.write([7] * 512)
        acts.exec(f"copy({other.at + 8 * index}, {table.at + 8 * index}, {count})")
        assert other.read() == [7] * index + source[index : index + count] + [7] * (512 - index - count)


@pytest.mark.parametrize("keep", [0, 0x60, 0x1000000, 0x1FFFFFF])
@pytest.mark.parametrize("change", [0, 0x803, 0x1000083])
def test_changing_keeps_the_frame_and_what_is_to_be_kept(acts, table, keep, change):
    """Bit 12 is no frame's bit here: it is kept or set like any other."""
    numbers = random.Random(keep + change)
    entries = [numbers.getrandbits(64) for _ in range(512)]
    for index, count in runs():
        table.write(entries)
        acts.exec(f"change({table.at + 8 * index}, {count}, {keep}, {change})")
        kept = (FRAME << 12 & ~0x1000) | bits(keep)
        changed = [value & kept | bits(change) for value in entries[index : index + count]]
        assert table.read() == entries[:index] + changed + entries[index + count :]


@pytest.mark.usefixtures("open_window")
@pytest.mark.parametrize("length", [3, 9, 18, 40, 131])
@pytest.mark.parametrize("index", [0, 1])
def test_one_entry_that_differs_is_found_wherever_it_is(acts, table, index, length):
    """Used among unused ones, present among absent ones, and a leaf that does not go on: in two chunks and the rest."""
    acts.exec(f"""
        import _memory
        at = {table.at + 8 * index}
        def found(plain, stranger, act):
            "What the act answers for a stranger at every place of the run, and right behind it."
            answers = []
            for place in range({length} + 1):
                for n in range({length} + 1): _memory.store64(at + 8 * n, plain(n))
                _memory.store64(at + 8 * place, stranger(plain(place)))
                answers.append(act(at, {length}))
            return answers
        def leaf(n): return 0x5003 + (n << 12) | 1 << 63
        touch = lambda at, count: touching(at, count, 5, 0x800003, 1)
        look = lambda at, count: leaves(at, count, 1, 0, 1 << 19)
        """)
    there = [*range(length + 1)]
    for bit in (0, 1, 12, 63):
        assert acts.eval(f"found(lambda n: 0, lambda value: 1 << {bit}, unused)") == there
    assert acts.eval("found(lambda n: n << 12 | 2, lambda value: value | 1, absent)") == there
    for bit in (0, 1, 2, 12, 40, 55, 63):
        assert acts.eval(f"found(leaf, lambda value: value ^ 1 << {bit}, touch)") == there, bit
    for bit in (5, 6):
        assert acts.eval(f"found(leaf, lambda value: value ^ 1 << {bit}, touch)") == [length] * (length + 1)
    assert acts.eval("found(leaf, lambda value: value & ~1, look)") == [2 * n for n in there], "not present"
    assert acts.eval("found(leaf, lambda value: value | 1 << 51, look)") == [2 * n for n in there], "reserved"
    global_ones = acts.eval("found(leaf, lambda value: value | 1 << 8, look)")
    assert global_ones == [2 * length + 1] * length + [2 * length], "GLOBAL, but for the one behind"
    assert acts.eval("found(leaf, lambda value: value, look)") == [2 * length] * (length + 1)


@pytest.mark.parametrize(
    "call",
    [
        "fill({at}, {count}, 1, 1, 1)",
        "clear({at}, {count})",
        "change({at}, {count}, 0, 1)",
        "unused({at}, {count})",
        "absent({at}, {count})",
        "leaves({at}, {count}, 1, 0, 0)",
        "touching({at}, {count}, 1, 1, 1)",
        "copy({at}, TABLE, {count})",
        "copy(TABLE, {at}, {count})",
    ],
)
def test_no_act_runs_out_of_its_table(acts, table, call):
    acts.exec(f"TABLE = {table.at}")
    beyond = Table(acts, 1)
    for index, count in ((0, 513), (1, 512), (511, 2), (500, 1000), (0, -1)):
        table.write([7] * 512)
        beyond.write([7] * 512)
        with acts.raises("ValueError", "count of entries in one table"):
            acts.exec(call.format(at=table.at + 8 * index, count=count))
        assert table.read() + beyond.read() == [7] * 1024
    with acts.raises("ValueError", "multiple of 8"):
        acts.exec(call.format(at=table.at + 4, count=1))


def test_what_is_proved_writable_stays_as_it_is(acts, table):
    table.write([0x123] * 512)
    acts.exec(f"prove_writable({table.at})")
    assert table.read() == [0x123] * 512
    with acts.raises("PageFault", "write to"):
        acts.exec("import _boot; prove_writable(_boot.sections()[0][1] << 12)")
