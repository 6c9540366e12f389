"""What a replacement policy is: who decides which page has to go when a new one needs its frame."""


class Policy:
    """Who has to go. Pages are page numbers (int). A policy sees what the MMU gives: accessed and dirty bits, and time.

    frames: how many frames there are. bits: `.take_accessed(page)` reads, clears and flushes the accessed bit,
    `.is_dirty(page)` reads the dirty bit; both return a bool.
    """

    name = "policy"

    def __init__(self, frames, bits):
        self.frames = frames
        self.bits = bits

    def loaded(self, page):
        """A page was given a frame just now; its bits are clear."""

    def victim(self):
        """Return a resident page that is to go. Asked while all frames are taken; may move hands and clear bits."""
        raise NotImplementedError

    def removed(self, page):
        """A page lost its frame: evicted after victim(), or dropped by its owner."""

    def tick(self):
        """A sampling interval is over."""
