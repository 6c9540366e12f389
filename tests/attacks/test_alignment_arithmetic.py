"""No alignment that somebody wishes for, and none that the allocator wishes for itself, leaves what machine code holds.

A product of 64 bits and more would be cut off there, and what is left of it be an alignment that nobody asked for: the
frames of the kernel's image, page 0.
"""

import math

MOST = 1 << 52

# Of two wishes each is allowed; both together may be more than there are chunks.
PAIRS = [
    (1 << 51, 3**32),
    (274177, 67280421310721),
    (1 << 40, 3**20),
    (3**30, 5**20),
    ((1 << 52) - 1, 1 << 51),
    (2, MOST - 1),
]


def test_two_wishes_that_no_number_can_fulfil_are_refused(attacked):
    for a, b in PAIRS:
        wish = f"AllocationRequest.AlignedTo({a}) & AllocationRequest.AlignedTo({b})"
        assert math.lcm(a, b) >= MOST
        for kind in "pages", "frames":
            attacked.refuses(f"memory.allocate_{kind}_deferred({wish}, 600)", ["ValueError"])


# Each is allowed on its own. A long run is wished on a huge page's boundary as well.
WISHES = [3**30, 3**32, (1 << 52) - 1, 1 << 51, (1 << 43) - 1, 67280421310721, 3 << 40, (1 << 34) + 1]


def test_what_is_given_is_aligned_as_wished_or_nothing_is(attacked):
    attacked.exec(f"""
        wrong = []
        wishes = {[*WISHES, 1, 3, 512, 768, 1 << 18, 3 << 17, 1000003]}
        for wish, count in [(wish, count) for wish in wishes for count in (1, 512, 600, 262144, 262145)]:
            for kind in "pages", "frames":
                try:
                    allocate = getattr(memory, "allocate_%s_deferred" % kind)
                    owner, action = allocate(AllocationRequest.AlignedTo(wish), count)
                except KernelError as error:
                    if type(error).__name__ not in ("OutOfPages", "OutOfFrames"):
                        wrong.append((kind, wish, repr(error)))
                    continue
                first = owner.start.number
                if first % wish or len(owner) != count or (kind == "pages" and first < 1 << 51):
                    wrong.append((kind, wish, first, len(owner)))
                owner.drop()
                action.drop()
        """)
    assert attacked.eval("wrong") == []
    attacked.adds_up()


def test_an_alignment_beyond_all_numbers_is_no_wish(attacked):
    for alignment in (0, -1, MOST, 1 << 64, 1 << 200):
        attacked.refuses(f"AllocationRequest.AlignedTo({alignment})", ["ValueError"])
        attacked.refuses(f"AllocationRequest(None, {alignment})", ["ValueError"])


# What a word would cut off, or what is no number at all: for each way into machine code by numbers.
NO_NUMBERS = ["1 << 52", "1 << 64", "(1 << 64) + LOW // 4096", "1 << 200", "-1", "-(1 << 64)", "None", "1.5", "'x'"]
BY_NUMBER = [
    "OffsetPageTable().runs(%s, 1)",
    "RecursivePageTable().runs(%s, 1)",
    "OffsetPageTable().map_numbers(%s, 0x100, 1, DATA, tf)",
    "OffsetPageTable().map_numbers(LOW >> 12, %s, 1, DATA, tf)",
    "OffsetPageTable().unmap_numbers(%s, 1)",
    "OffsetPageTable().unmap_numbers(LOW >> 12, %s)",
    "OffsetPageTable().update_numbers(%s, 1, DATA)",
    "OffsetPageTable().clean_up_numbers(%s, LOW >> 12, tf)",
    "K.frame_number_of(%s)",
    "faults.take_bits(%s, 32)",
    "tf.has_out(%s)",
    "tf.deallocate_run(%s, 1)",
    "memory.frame_allocator.from_mapped(%s, 1)",
]


def test_no_number_is_cut_off_on_its_way_into_machine_code(attacked):
    attacked.exec("import faults")
    before = attacked.state()
    calls = [call % number for call in BY_NUMBER for number in NO_NUMBERS]
    answers = attacked.eval(f"[refused(lambda: eval(call, globals())) for call in {calls!r}]")
    allowed = {"TypeError", "ValueError", "InvalidFrameAddress", "IllegalState"}
    assert {call: name for call, name in zip(calls, answers, strict=True) if name not in allowed} == {}
    attacked.is_as(before, after="all of them")
