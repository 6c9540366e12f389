"""Memory that something else than the processor has: a device, which no page table stops.

A loan is a borrow of a mapping that forbids nothing but its end: it may be read and written all the time, but not be
dropped, remapped, merged or split, and is not forgotten, until who borrowed it is done.
"""

from .refusals import StillBorrowed

# By id of the view that holds the borrow. What is in here is alive, whoever has forgotten it.
_loans = {}


class Loan:
    """Having one means: the mapping stays what it is, and where it is, until end(). `.borrower` is who has it."""

    def __init__(self, lease, borrower):
        self.borrower = borrower
        self._view = lease.slice("B", 0, 0, False)
        _loans[id(self._view)] = self

    def end(self):
        """The borrower is done, whatever comes. Again and again does no harm."""
        if _loans.pop(id(self._view), None) is not None:
            self._view.release()

    @property
    def is_live(self):
        return id(self._view) in _loans

    def __repr__(self):
        return "%s (until its driver says end())" % (self.borrower,)


def borrows_of(lease):
    """What holds a borrow of a lease: its views, and in the place of some of them the Loans that they are."""
    return [_loans.get(id(view), view) for view in lease.borrows()]


def refuse_if_lent(lease, step):
    """Raise StillBorrowed when a Loan lives: all else can be taken away from who has it."""
    lent = [each for each in borrows_of(lease) if each.__class__ is Loan] if _loans else ()
    if lent:
        raise StillBorrowed(lease.owner, step, lent)
