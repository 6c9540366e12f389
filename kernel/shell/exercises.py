"""Exercises with seeds: a question made of numbers, and an answer that the machine works out for itself.

Where tables are involved they are real ones: the exercise maps pages as it says, `walk` and `dump` show them, and
the answer is what the processor's tables say, not a formula.

A seed means the same question and the same answer on every machine with so many levels of tables, whatever its RAM and
whoever booted it: what is mapped lies at addresses of the exercise's own choice, where no machine has RAM.
"""

import random

import memory
from diagnostics.text import WIDTH, View, hexadecimal, paragraphs
from diagnostics.walks import WalkView
from memory import PhysicalAddress, PteFlags, VirtualAddress, allocate_frames_at, allocate_pages_at
from memory_structs.mode import ENTRIES, INDEX_BITS, LEVELS, LOWER_HALF_PAGES, PAGE_SHIFT

from shell.answers import NUMBER, PHYSICAL, VIRTUAL, YES_OR_NO, is_right, lesson, usage, written

FRAMES_IN_GAME = 3
LEVELS_DOWN = list(range(LEVELS, 0, -1))
# In the lower half, where nobody gets pages without asking for just these; and below 4 GiB, where PCs have no RAM.
SOME_PAGES, SOME_FRAMES = 0x5_0000_0000, 0xF_0000


class Exercise(View):
    """A question. `.answer` (numbers, and bools for yes and no) and `.steps`, how it comes about, are worked out when
    it is made; `.kinds` says what each part is. end() gives back what was mapped for it."""

    def __init__(self, number, seed):
        self.number = number
        self.seed = seed
        random.seed(seed * 100 + number)
        self.kept = None
        self.title, make = MAKERS[number - 1]
        self.question, self.kinds, self.answer, self.why, self.steps = make(self)

    def lines(self, width=WIDTH):
        yield "exercise %d, seed %d: %s" % (self.number, self.seed, self.title)
        yield ""
        yield from paragraphs(self.question, width)
        yield ""
        yield "Answer with: check %s" % usage(self.kinds)

    def check(self, given):
        """Return a Verdict on the answer, a list of what kernel/shell/answers.py takes."""
        return Verdict(self, list(given))

    def written(self):
        """Return the answer as the kernel writes it: a text for each part."""
        return [written(kind, value) for kind, value in zip(self.kinds, self.answer)]  # noqa: B905

    def solution(self):
        """Return a Solution."""
        return Solution(self)

    def end(self):
        """Unmap what was mapped for it; twice is fine."""
        if self.kept:
            self.kept.drop()


class Solution(View):
    """How the answer of an exercise comes about, step by step, and the line that checks it."""

    def __init__(self, exercise):
        self.exercise = exercise

    def lines(self, width=WIDTH):
        yield "exercise %d, seed %d: %s" % (self.exercise.number, self.exercise.seed, self.exercise.title)
        yield ""
        for step in self.exercise.steps:
            yield from paragraphs((step,), width) if len(step) > width else (step,)
        yield ""
        yield "check %s" % " ".join(self.exercise.written())


class Verdict(View):
    """Whether an answer is right; with the reason if it is not. `.is_right` for programs."""

    def __init__(self, exercise, given):
        self.exercise = exercise
        self.given = given
        self.wrong = []
        if len(given) == len(exercise.answer):
            parts = zip(exercise.kinds, exercise.answer, given)  # noqa: B905
            self.wrong = [place for place, part in enumerate(parts) if not is_right(*part)]
        self.is_right = len(given) == len(exercise.answer) and not self.wrong

    def lines(self, width=WIDTH):
        exercise = self.exercise
        if self.is_right:
            return ("right.",)
        if len(self.given) != len(exercise.answer):
            parts = len(exercise.answer)
            return ("the answer has %d part%s, not %d" % (parts, "" if parts == 1 else "s", len(self.given)),)
        lessons = [lesson(exercise.kinds[place], self.given[place], place + 1) for place in self.wrong]
        lessons = [each for each in lessons if each]
        places = ", ".join([str(place + 1) for place in self.wrong])
        return lessons or ("not right: number %s. %s" % (places, exercise.why), "`solution` shows the way.")


def below(limit):
    """Return a random number from 0 to limit - 1, of any size."""
    return (random.getrandbits(30) << 30 | random.getrandbits(30)) % limit


def split_address(exercise):
    """Split a virtual address into indexes and offset."""
    address = VirtualAddress(below(LOWER_HALF_PAGES) << 12 | below(4096))
    answer = [address.index_at(level) for level in LEVELS_DOWN] + [address.page_offset()]
    question = ("Which entries does the processor read on the way of %s, from P%d to P1," % (address, LEVELS),)
    question += ("and what is the offset into the page? %d numbers." % (LEVELS + 1),)
    lowest_bits = [PAGE_SHIFT + INDEX_BITS * (level - 1) for level in LEVELS_DOWN]
    fields = ["%d-%d" % (bit + INDEX_BITS - 1, bit) for bit in lowest_bits]
    steps = ["Of %s:" % address]
    for place, bit in enumerate(lowest_bits):
        steps.append("  P%d  bits %s, >> %d & 511 = %d" % (LEVELS - place, fields[place], bit, answer[place]))
    steps.append("  offset  bits %d-0, & 4095 = %d" % (PAGE_SHIFT - 1, answer[-1]))
    why = "Bits %s and %d-0." % (", ".join(fields), PAGE_SHIFT - 1)
    return question, (NUMBER,) * len(answer), answer, why, steps


def build_address(exercise):
    """Put an address together from indexes."""
    indexes = [below(ENTRIES // 2 if level == LEVELS else ENTRIES) for level in LEVELS_DOWN]
    offset = below(4096)
    number = 0
    steps = ["Begin with 0; shift left by %d and add each index, from P%d down:" % (INDEX_BITS, LEVELS)]
    for place, index in enumerate(indexes):
        number = number << INDEX_BITS | index
        steps.append("  P%d index %3d: %s" % (LEVELS - place, index, hexadecimal(number)))
    whole = hexadecimal(number << PAGE_SHIFT | offset)
    steps.append("Then by %d, and add the offset %s: %s" % (PAGE_SHIFT, hexadecimal(offset), whole))
    named = ", ".join(["P%d index %d" % (LEVELS - place, index) for place, index in enumerate(indexes)])
    question = ("Which virtual address has %s" % named,)
    question += ("and offset %s? One address." % hexadecimal(offset),)
    why = "Each index has %d bits, the offset %d." % (INDEX_BITS, PAGE_SHIFT)
    return question, (VIRTUAL,), [number << PAGE_SHIFT | offset], why, steps


def follow_tables(exercise):
    """Find where a live address leads."""
    pages = 3 + below(6)
    start = VirtualAddress(SOME_PAGES + below(1 << 16) << PAGE_SHIFT)
    frame = PhysicalAddress(SOME_FRAMES + below(1 << 12) << PAGE_SHIFT)
    exercise.kept = map_here(start, frame, pages)
    address = start + (below(pages) << PAGE_SHIFT) + below(4096)
    view = WalkView(address)
    question = ("Some pages were just mapped for you. Where in physical memory is %s?" % address,)
    question += ("Use `entries` and `peek`, from the root on (cr shows where that is); `walk` would be too easy.",)
    steps = list(view.lines())[:-1]
    last = view.walk[len(view.walk) - 1]
    steps.append("The last entry names the frame p%s;" % hexadecimal(last.frame.start_address.value))
    steps.append("the offset %s is added." % hexadecimal(address.page_offset()))
    return question, (PHYSICAL,), [view.physical], "`walk %s` shows the way." % address, steps


def map_here(start, frame, count):
    """Map `count` pages from an address on to the frames from a physical one on; nobody reads there. All or nothing.

    Raises AddressInUse if somebody has some of them."""
    pages = allocate_pages_at(start, count)
    try:
        frames = allocate_frames_at(frame, count)
        try:
            return memory.get_kernel_mmi_ref().page_table.map_allocated_pages_to(pages, frames, PteFlags())
        except BaseException:
            if frames:
                frames.drop()
            raise
    except BaseException:
        if pages:
            pages.drop()
        raise


def effective_rights(exercise):
    """Combine rights over levels."""
    rows = [[below(2) for _ in range(3)] for _ in LEVELS_DOWN]
    writable = all([row[0] for row in rows])
    user = all([row[1] for row in rows])
    executable = not any([row[2] for row in rows])
    question = ["The entries on the way of an address have these bits:"]
    for place, row in enumerate(rows):
        question.append("  P%d   W=%d U=%d NX=%d" % (LEVELS - place, row[0], row[1], row[2]))
    question.append("May ring 3 read the page? May the kernel write it (ring 0, with CR0.WP set, SMEP and SMAP off)?")
    question.append("May the kernel execute it (EFER.NXE set)? Three times yes or no.")
    why = "W and U must be set at every level; NX at any level forbids. U says nothing of the kernel then."
    steps = []
    for name, place, rule, allowed in (
        ("ring 3 reads", 1, "U at every level", user),
        ("the kernel writes", 0, "W at every level", writable),
        ("the kernel executes", 2, "NX at no level", executable),
    ):
        bits = " ".join([str(row[place]) for row in rows])
        steps.append("%-20s %s: %s: %s" % (name, rule, bits, written(YES_OR_NO, allowed)))
    return question, (YES_OR_NO,) * 3, [user, writable, executable], why, steps


def pages_of_range(exercise):
    """Count the pages that a byte range touches."""
    start, length = below(1 << 30), 1 + below(100000)
    first, last = start >> 12, start + length - 1 >> 12
    question = ("A buffer of %d bytes begins at %s." % (length, hexadecimal(start)),)
    question += ("How many 4 KiB pages does it touch, and how many bytes of the last one? Two numbers.",)
    answer = [last - first + 1, (start + length - 1 & 0xFFF) + 1 if last > first else length]
    steps = (
        "The first byte is in page %s >> 12 = %s." % (hexadecimal(start), hexadecimal(first)),
        "The last byte, at %s, is in page %s." % (hexadecimal(start + length - 1), hexadecimal(last)),
        "From %s to %s: %d." % (hexadecimal(first), hexadecimal(last), answer[0]),
        "Of the last page the buffer has %d bytes." % answer[1],
    )
    why = "The last page is that of the last byte, not of the byte behind it."
    return question, (NUMBER, NUMBER), answer, why, steps


def tables_needed(exercise):
    """Count the tables that mapping a range takes."""
    count, first = 1 + below(2000), below(512 * 512)
    last = first + count - 1
    p1_tables = (last >> 9) - (first >> 9) + 1
    p2_tables = (last >> 18) - (first >> 18) + 1
    answer = [p1_tables, p2_tables]
    question = ("%d pages of 4 KiB are mapped, from page number %d of an empty lower half on." % (count, first),)
    question += ("How many P1 tables, and how many P2 tables does that take? Two numbers.",)
    steps = ["The first page is number %d, the last %d." % (first, last)]
    for level, shift, found in (1, 9, p1_tables), (2, 18, p2_tables):
        tables = first >> shift, last >> shift, found
        steps.append("P%d tables, by page number >> %d: from %d to %d: %d." % ((level, shift) + tables))
    why = "A P1 table covers 512 pages from a multiple of 512 on; a P2 table 512 of those."
    return question, (NUMBER, NUMBER), answer, why, steps


def replacement(exercise):
    """Count faults of two policies; the machine really does it."""
    from replacement.laboratory import faults_in  # noqa: PLC0415 (the boot needs no laboratory)

    references = [below(5) for _ in range(12)]
    while len(set(references)) <= FRAMES_IN_GAME:
        references = [below(5) for _ in range(12)]
    played = [list(faults_in(references, policy, FRAMES_IN_GAME)) for policy in ("fifo", "clock")]
    answer = [len(faults) // 2 for faults in played]
    question = ("Pages are touched in this order: %s." % " ".join([str(number) for number in references]),)
    question += ("With %d frames, empty at first: how many faults with first-in-first-out," % FRAMES_IN_GAME,)
    question += ("and with the clock (a second chance if accessed)? Two numbers.",)
    why = "`from replacement.laboratory import faults_of`: faults_of('fifo', %d, [...]) plays it again."
    steps = ["A fault is marked by !, with the page that goes:"]
    for name, faults in zip(("fifo", "clock"), played):  # noqa: B905
        gone = dict(zip(faults[::2], faults[1::2]))  # noqa: B905
        shown = ["%d%s" % (page, fault_mark(gone.get(place))) for place, page in enumerate(references)]
        steps.append("  %-6s %s: %d faults" % (name, " ".join(shown), len(gone)))
    return question, (NUMBER, NUMBER), answer, why % FRAMES_IN_GAME, steps


def fault_mark(gone):
    """Return what stands behind a reference: nothing if it is none, `!`, or `!` and the page that goes."""
    return "" if gone is None else "!" if gone < 0 else "!(%d)" % gone


MAKERS = (
    ("translation by hand", split_address),
    ("the way back", build_address),
    ("a live walk", follow_tables),
    ("rights", effective_rights),
    ("ranges", pages_of_range),
    ("tables", tables_needed),
    ("replacement", replacement),
)
