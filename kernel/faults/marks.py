"""The accessed and dirty bits of single pages, for who keeps books on them; `working_set` has what takes them."""

from .working_set import NO_PATH, PRESENT, compare_and_set, frame_at, walk, word_at


def look(access, page, mask):
    """Return which bits of `mask` a page number's leaf has; 0 if it is not mapped. Changes nothing.

    access: how the tables of a root are seen.
    """
    word = word_at(walk(access.facts, access.see, page, 1, NO_PATH) & -8)
    return word & mask if word & PRESENT else 0


def mark(access, page, mask):
    """Give a page number's leaf the bits of `mask`, as the CPU does; does nothing if it is not mapped."""
    at = walk(access.facts, access.see, page, 1, NO_PATH) & -8
    while True:
        word, frame = word_at(at), frame_at(at)
        if not word & PRESENT or compare_and_set(at, frame, word, frame, word | mask):
            return
