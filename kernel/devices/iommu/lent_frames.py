"""AllocatedFrames in the hands of devices: RAM that only they reach, as no page leads there."""


class LentFrames:
    """AllocatedFrames as a DmaBuffer takes mappings."""

    def __init__(self, owner):
        self.range = owner.range
        self.size_in_bytes = owner.size_in_bytes
        self._owner = owner

    def frames(self):
        """The FrameRanges, in order."""
        return [self.range]

    def lend_to(self, device):
        """A FramesLoan. Raises UseAfterMove, or IllegalState while they are lent to another."""
        return FramesLoan(self._owner, device)

    def __repr__(self):
        return str(self._owner)


class FramesLoan:
    """Having one means: the frames don't change hands until end()."""

    def __init__(self, owner, borrower):
        self._owner = owner
        self.borrower = borrower
        self.is_live = True
        owner.lend_to(self)

    def end_loan(self):
        """False while devices have them: the owner asks before it goes."""
        return not self.is_live

    def end(self):
        """The devices are done. Again and again does no harm."""
        self.is_live = False
        self._owner.take_back(self)

    def __repr__(self):
        return str(self.borrower)
