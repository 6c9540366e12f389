"""Grader of lab 6: references are made on real pages, and every fault and every victim is compared with a simulation.

The simulation has no MMU and no kernel: it is the lab's text once more, on this side.
"""

import itertools

from labs.points import points

PRELUDE = "from replacement.laboratory import faults_in"
MOST = 3
NOBODY = -1


def simulated(references, frames, most=MOST, looks=True):
    """Return the faults of the generous clock: (place of the reference, page that goes or NOBODY) for each.

    With `most` 0 it is the plain clock, which gives no credit; without a look at the bits, first-in-first-out.
    """
    circle, hand, used, credit, faults = [], 0, set(), {}, []
    for place, page in enumerate(references):
        if page not in circle:
            gone = NOBODY
            if len(circle) < frames:
                circle.append(page)
            else:
                while True:
                    seen = circle[hand]
                    if looks and seen in used:
                        used.remove(seen)
                        credit[seen] = min(credit[seen] + 1, most)
                    elif credit[seen] > 0:
                        credit[seen] -= 1
                    else:
                        break
                    hand = (hand + 1) % frames
                gone, circle[hand] = seen, page
                hand = (hand + 1) % frames
            credit[page] = 0
            faults.append((place, gone))
        used.add(page)
    return faults


def drawn(numbers, frames, length, unlike, alike=None):
    """Return references to 8 pages with which the generous clock does otherwise than `unlike` and as `alike`: words
    for simulated()."""
    while True:
        found = [min(numbers.randrange(8), numbers.randrange(8)) for _ in range(length)]
        right = simulated(found, frames)
        if right != simulated(found, frames, **unlike) and right == simulated(found, frames, **(alike or {})):
            return found


def compare(student, references, frames):
    """Have the kernel replay references under the file's policy; the first difference fails the check."""
    log = student.value(f"list(faults_in({references}, student.Generous, {frames}))")
    found = list(zip(log[::2], log[1::2], strict=True))
    for told, right in itertools.zip_longest(found, simulated(references, frames)):
        shown = " ".join(map(str, references[: (right or told)[0] + 1][-24:]))
        assert told == right, f"with {frames} frames, after ... {shown}: {said(told)}, and it should be: {said(right)}"


def said(fault):
    """Return a fault in words."""
    if fault is None:
        return "no fault any more"
    place, page = fault
    return f"a fault at reference {place}, " + ("and nobody has to go" if page == NOBODY else f"and page {page} goes")


@points(20, "kernel/replacement/policies/fifo.py shows the calls of a policy; clock.py, a hand")
def test_nobody_is_used_twice(student):
    """Pages that are touched once each go in the order in which they came."""
    for frames in 3, 5:
        compare(student, student.numbers.sample(range(20), 20), frames)


@points(20, "bits.take_accessed(page) reads and clears the accessed bit")
def test_a_used_page_is_spared(student):
    """A page that was used since the hand passed is passed by."""
    compare(student, [10, 1, 11, 2, 1, 12, 13, 14], 3)
    compare(student, [10, 1, 3, 3, 11, 12, 1, 13], 4)
    for frames in 3, 4:
        compare(student, drawn(student.numbers, frames, 14, {"looks": False}, {"most": 0}), frames)


@points(20, "the lab's text: what the hand does at each page that it comes to")
def test_credit_grows_with_use(student):
    """A page that the hand found used several times is spared as many rounds, but not more than MOST."""
    compare(student, [3, 1, 2, 10, 1, 11, 1, 12, 13], 3)
    compare(student, [10, 3, 11, 2, 3, 3, 1, 2, 12, 1, 13, 1, 14, 1, 15, 16, 17], 3)
    compare(student, [2, 1, 10, 11, 12, 1, 13, 3, 14, 3, 15, 3, 16, 17, 3, 18, 2, 1, 19, 20, 1], 4)
    for frames in 3, 4:
        compare(student, drawn(student.numbers, frames, 40, {"most": MOST - 1}), frames)


@points(10, "Policy.removed(page) and Policy.loaded(page)")
def test_a_page_that_comes_back_is_new(student):
    """Who went and comes back has no credit from before."""
    compare(student, [3, 10, 1, 11, 3, 12, 13, 14], 3)
    compare(student, [1, 10, 11, 12, 13, 1, 14, 2, 15, 16], 4)
    compare(student, drawn(student.numbers, 3, 30, {"most": 0}), 3)


@points(25, "`policies` draws how other policies do")
def test_long_runs_with_few_frames(student):
    """400 references to 12 pages, some of them favourites, with 3, 4 and 6 frames."""
    numbers = student.numbers
    for frames in 3, 4, 6:
        compare(student, [min(numbers.randrange(12), numbers.randrange(12)) for _ in range(400)], frames)


@points(5, "a circle of one is a circle")
def test_one_frame_and_very_many(student):
    """With one frame, and with as many as there are pages but one."""
    numbers = student.numbers
    for frames in 1, 15:
        compare(student, [numbers.randrange(16) for _ in range(120)], frames)
