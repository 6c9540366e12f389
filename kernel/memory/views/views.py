"""Typed access to mapped memory: what every `MappedPages` inherits.

A view borrows bytes of a mapping: any number of views may read them, or a single one may write. Checked once, when it
is made: bounds, alignment, rights. Checked in C at every access: that it was not released, that its mapping is what it
was, and that the mapping's page table is active. A view keeps its mapping alive.

The native `_views.Lease` of a mapping stands for "these pages, these rights, until further notice". It is made with
the first view; each call that changes the mapping ends it, which is refused while a view lives.
"""

import _views
from _views import EXECUTE, functions_running, lend, set_callback_runner  # noqa: F401  others have them from here
from memory_structs import Misaligned
from memory_structs.like_ranges import LikeItsRange
from micropython import const

from ..ledger import undisturbed
from .borrowed import BorrowedMappedPages, BorrowedSliceMappedPages, Immutable, Mutable
from .layouts import checked
from .loans import Loan, borrows_of, refuse_if_lent
from .refusals import (
    AlreadyBorrowed,
    NotActive,
    NotExportable,
    NotWritable,
    OutOfBounds,
    StillBorrowed,
    StillRunning,
    UseAfterRelease,
    UseAfterUnmap,
)

# Where things stand in the state of a MappedPages (see there), and how many they are.
_RECORD = const(0)
_LEASE = const(3)
_LENGTH = const(4)


class Viewable(LikeItsRange):
    """The part of `MappedPages` that lends its bytes."""

    def as_slice(self, type, offset=0, count=None):
        """Lend `count` elements from byte `offset` on, for reading; without a count, as many as there are.

        `type` is a typecode of `struct`: one of b B h H i I l L q Q e f d. Raises UseAfterMove, ValueError,
        OutOfBounds, Misaligned or AlreadyBorrowed.
        """
        state = self._state
        lease = state[_LEASE]
        if lease is None:
            lease = lend(self, state)
        return lease.slice(type, offset, count, False)

    def as_slice_mut(self, type, offset=0, count=None):
        """As `as_slice`, for writing too. Raises NotWritable as well."""
        state = self._state
        lease = state[_LEASE]
        if lease is None:
            lease = lend(self, state)
        return lease.slice(type, offset, count, True)

    def is_ram(self):
        """False when a page leads to what is no RAM: to a device, which notices each access. Raises as `frames`."""
        allocator = self.page_table._frames
        return all([allocator.is_ram(run.start.number, run.end.number) for run in self.frames()])

    def as_type(self, layout, offset=0):
        """Lend a struct at byte `offset`, for reading: its fields are attributes.

        `layout` is a dict in the notation of `uctypes`, or a class that has one as its attribute `layout`. Pointers are
        refused. Raises as `as_slice`, and TypeError for what is no layout.
        """
        return self._lend().overlay(checked(layout), offset, False)

    def as_type_mut(self, layout, offset=0):
        """As `as_type`, for writing too. Raises NotWritable as well."""
        return self._lend().overlay(checked(layout), offset, True)

    def lend_to(self, borrower):
        """Lend all of it to what reads and writes without the processor, until end() of the Loan that this returns.

        Meanwhile it can be read and written here, too; drop, remap, merge, split and all else that changes it raise
        StillBorrowed, which names the borrower; forgotten, it stays. Raises UseAfterMove.
        """
        return Loan(self._lend(), borrower)

    def into_borrowed(self, layout, offset=0):
        """Consume this mapping and return it as a `BorrowedMappedPages`: one struct at byte `offset`, for reading.

        Raises as `as_type`, and StillBorrowed; then the mapping lives on.
        """
        return self._into(BorrowedMappedPages, Immutable, self.as_type, (layout, offset), "into_borrowed()")

    def into_borrowed_mut(self, layout, offset=0):
        """As `into_borrowed`, for writing too. Raises NotWritable as well."""
        return self._into(BorrowedMappedPages, Mutable, self.as_type_mut, (layout, offset), "into_borrowed_mut()")

    def into_borrowed_slice(self, type, offset=0, count=None):
        """Consume this mapping and return it as a `BorrowedSliceMappedPages`: elements of one type, for reading.

        Raises as `as_slice`, and StillBorrowed; then the mapping lives on.
        """
        return self._into(
            BorrowedSliceMappedPages, Immutable, self.as_slice, (type, offset, count), "into_borrowed_slice()"
        )

    def into_borrowed_slice_mut(self, type, offset=0, count=None):
        """As `into_borrowed_slice`, for writing too. Raises NotWritable as well."""
        arguments = type, offset, count
        return self._into(BorrowedSliceMappedPages, Mutable, self.as_slice_mut, arguments, "into_borrowed_slice_mut()")

    @undisturbed
    def _into(self, kind, mutability, make_view, arguments, step):
        """Move the mapping into a Borrowed object. Everything is made before anything moves."""
        self._check_free_for(step)
        view = make_view(*arguments)
        inner = self.__class__()
        lease = self._state[_LEASE]
        dead = [step, None, None, None]
        borrowed = kind(inner, view, mutability)
        # From here on, stores only: nothing fails or comes in between.
        inner._state = self._state
        self._state = dead
        lease.owner = inner
        return borrowed

    def _lend(self):
        """The lease of the mapping as it is now. Raises UseAfterMove."""
        return lend(self, self._state)

    def _revoke_views(self, step):
        """End all borrows, whoever holds them: every view is stale from here on."""
        lease = self._state[_LEASE]
        if lease is not None:
            refuse_if_lent(lease, step)
            lease.revoke(step)


# Refusals: natives know which, by name, and with what values.


def _ended(view, by):
    raise UseAfterUnmap(view, by)


def _released(view, _):
    raise UseAfterRelease(view)


def _not_active(view, root):
    raise NotActive(view, root)


def _bounds(lease, offset_and_size):
    raise OutOfBounds(lease.owner, offset_and_size[0], offset_and_size[1])


def _alignment(lease, offset_and_alignment):
    offset, alignment = offset_and_alignment
    raise Misaligned(offset, alignment, offset & -alignment)


def _rights(lease, _):
    raise NotWritable(lease.owner, "it was mapped for reading only; remap() it, or take a view without _mut")


def _shared(view, _):
    raise NotWritable(view, "it was lent for reading; take one with as_slice_mut() or as_type_mut()")


def _borrowed(_, borrow):
    raise AlreadyBorrowed(borrow)


def _still_borrowed(lease, step):
    raise StillBorrowed(lease.owner, step, borrows_of(lease))


def _export(view, _):
    raise NotExportable(view, "the lower half, where a raw buffer would show another table's pages")


def _raw(view, _):
    if not view.owner.is_ram():
        raise NotExportable(view, "device memory, which a raw buffer would read and write by other widths")


def _running(function, _):
    raise StillRunning(function)


_REFUSALS = {
    "ended": _ended,
    "released": _released,
    "not_active": _not_active,
    "bounds": _bounds,
    "alignment": _alignment,
    "rights": _rights,
    "shared": _shared,
    "borrowed": _borrowed,
    "still_borrowed": _still_borrowed,
    "export": _export,
    "raw": _raw,
    "running": _running,
}

_views.set_refuser(lambda name, of, detail: _REFUSALS[name](of, detail))
_views.set_state(_RECORD, _LEASE, _LENGTH)
