"""Exercises with seeds: a question made of numbers, and an answer that the machine works out for itself.

Where tables are involved they are real ones: the exercise maps pages as it says, `walk` and `dump` show them, and
the answer is what the processor's tables say, not a formula.
"""

import random

import memory
from diagnostics.text import WIDTH, View, hexadecimal, paragraphs
from diagnostics.walks import WalkView
from memory import PteFlags, VirtualAddress
from memory_structs.mode import ENTRIES, INDEX_BITS, LEVELS, LOWER_HALF_PAGES, PAGE_SHIFT

FRAMES_IN_GAME = 3
LEVELS_DOWN = list(range(LEVELS, 0, -1))


class Exercise(View):
    """A question. `.answer` is worked out when it is made; `check` compares."""

    def __init__(self, number, seed):
        self.number = number
        self.seed = seed
        random.seed(seed * 100 + number)
        self.kept = None
        self.title, make = MAKERS[number - 1]
        self.question, self.answer, self.why = make(self)

    def lines(self, width=WIDTH):
        yield "exercise %d, seed %d: %s" % (self.number, self.seed, self.title)
        yield ""
        yield from paragraphs(self.question, width)
        yield ""
        yield "Answer with: check %s" % " ".join(["N"] * len(self.answer))

    def check(self, given):
        """Return a Verdict on the answer, a list of ints."""
        return Verdict(self, list(given))


class Verdict(View):
    """Whether an answer is right; with the reason if it is not. `.is_right` for programs."""

    def __init__(self, exercise, given):
        self.exercise = exercise
        self.given = given
        self.is_right = given == exercise.answer

    def lines(self, width=WIDTH):
        if self.is_right:
            return ("right.",)
        if len(self.given) != len(self.exercise.answer):
            return ("the answer has %d numbers, not %d" % (len(self.exercise.answer), len(self.given)),)
        wrong = [place + 1 for place, number in enumerate(self.given) if number != self.exercise.answer[place]]
        places = ", ".join([str(place) for place in wrong])
        return ("not right: number %s. %s" % (places, self.exercise.why),)


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
    fields = ", ".join(["%d-%d" % (bit + INDEX_BITS - 1, bit) for bit in lowest_bits])
    return question, answer, "Bits %s and %d-0." % (fields, PAGE_SHIFT - 1)


def build_address(exercise):
    """Put an address together from indexes."""
    indexes = [below(ENTRIES // 2 if level == LEVELS else ENTRIES) for level in LEVELS_DOWN]
    offset = below(4096)
    number = 0
    for index in indexes:
        number = number << INDEX_BITS | index
    named = ", ".join(["P%d index %d" % (LEVELS - place, index) for place, index in enumerate(indexes)])
    question = ("Which virtual address has %s" % named,)
    question += ("and offset %s? One number." % hexadecimal(offset),)
    return (
        question,
        [number << PAGE_SHIFT | offset],
        "Each index has %d bits, the offset %d." % (INDEX_BITS, PAGE_SHIFT),
    )


def follow_tables(exercise):
    """Find where a live address leads."""
    pages = 3 + below(6)
    exercise.kept = memory.create_mapping(pages << 12, PteFlags(), huge=False)
    address = exercise.kept.start_address + (below(pages) << 12) + below(4096)
    view = WalkView(address)
    question = ("Some pages were just mapped for you. Where in physical memory is %s?" % address,)
    question += ("Use `entries` and `peek`, from the root on (cr shows where that is); `walk` would be too easy.",)
    return question, [view.physical], "`walk %s` shows the way." % address


def effective_rights(exercise):
    """Combine rights over levels."""
    rows = [[below(2) for _ in range(3)] for _ in LEVELS_DOWN]
    writable = int(all([row[0] for row in rows]))
    user = int(all([row[1] for row in rows]))
    executable = int(not any([row[2] for row in rows]))
    question = ["The entries on the way of an address have these bits:"]
    for place, row in enumerate(rows):
        question.append("  P%d   W=%d U=%d NX=%d" % (LEVELS - place, row[0], row[1], row[2]))
    question.append("May ring 3 read the page? May the kernel write it (ring 0, with CR0.WP set, SMEP and SMAP off)?")
    question.append("May the kernel execute it (EFER.NXE set)? Three numbers, 1 or 0.")
    return (
        question,
        [user, writable, executable],
        "W and U must be set at every level; NX at any level forbids. U says nothing of the kernel then.",
    )


def pages_of_range(exercise):
    """Count the pages that a byte range touches."""
    start, length = below(1 << 30), 1 + below(100000)
    first, last = start >> 12, start + length - 1 >> 12
    question = ("A buffer of %d bytes begins at %s." % (length, hexadecimal(start)),)
    question += ("How many 4 KiB pages does it touch, and how many bytes of the last one? Two numbers.",)
    answer = [last - first + 1, (start + length - 1 & 0xFFF) + 1 if last > first else length]
    return question, answer, "The last page is that of the last byte, not of the byte behind it."


def tables_needed(exercise):
    """Count the tables that mapping a range takes."""
    count, first = 1 + below(2000), below(512 * 512)
    last = first + count - 1
    p1_tables = (last >> 9) - (first >> 9) + 1
    p2_tables = (last >> 18) - (first >> 18) + 1
    answer = [p1_tables, p2_tables]
    question = ("%d pages of 4 KiB are mapped, from page number %d of an empty lower half on." % (count, first),)
    question += ("How many P1 tables, and how many P2 tables does that take? Two numbers.",)
    return question, answer, "A P1 table covers 512 pages from a multiple of 512 on; a P2 table 512 of those."


def replacement(exercise):
    """Count faults of two policies; the machine really does it."""
    from replacement.laboratory import faults_of  # noqa: PLC0415 (the boot needs no laboratory)

    references = [below(5) for _ in range(12)]
    while len(set(references)) <= FRAMES_IN_GAME:
        references = [below(5) for _ in range(12)]
    answer = [faults_of(policy, FRAMES_IN_GAME, references) for policy in ("fifo", "clock")]
    question = ("Pages are touched in this order: %s." % " ".join([str(number) for number in references]),)
    question += ("With %d frames, empty at first: how many faults with first-in-first-out," % FRAMES_IN_GAME,)
    question += ("and with the clock (a second chance if accessed)? Two numbers.",)
    why = "`from replacement.laboratory import faults_of`: faults_of('fifo', %d, [...]) plays it again."
    return question, answer, why % FRAMES_IN_GAME


MAKERS = (
    ("translation by hand", split_address),
    ("the way back", build_address),
    ("a live walk", follow_tables),
    ("rights", effective_rights),
    ("ranges", pages_of_range),
    ("tables", tables_needed),
    ("replacement", replacement),
)
