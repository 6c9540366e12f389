"""`BorrowedMappedPages` and `BorrowedSliceMappedPages`: a mapping and one view of it, as one owner.

They are what a mapping becomes that is used as one thing for all its life: checked once, then read (and, when
`Mutable`, written) as if it were the struct or the elements. `into_inner()` gives the mapping back.
"""

from memory_structs import UseAfterMove
from memory_structs.ending import drop_at_end
from memory_structs.instances import seal
from memory_structs.like_ranges import no_elements


class Mutability:
    """What a borrowed mapping's view may do: its `.mutability` is one of the two classes below."""


class Immutable(Mutability):
    """Marks a borrowed mapping whose view is for reading."""


class Mutable(Mutability):
    """Marks a borrowed mapping whose view may write."""


class Borrowed:
    """What both kinds share. Having one means: the view lives, and nobody else has another of this mapping.

    Forgotten, it is reclaimed like the mapping inside.
    """

    def __init__(self, inner, view, mutability):
        if not hasattr(inner, "into_borrowed") or not hasattr(view, "__exit__"):
            raise TypeError("%s is made by into_borrowed() and the like" % type(self).__name__)
        set_attribute = object.__setattr__
        set_attribute(self, "_inner", inner)
        set_attribute(self, "_view", view)
        set_attribute(self, "mutability", mutability)

    def _live(self):
        """The view. Raises UseAfterMove."""
        view = self._view
        if type(view) is str:
            raise UseAfterMove(type(self).__name__, view)
        return view

    @property
    def view(self):
        """The view that everything goes through."""
        return self._live()

    def inner_ref(self):
        """The mapping, to ask it questions; it can't be changed as long as it is borrowed."""
        self._live()
        return self._inner

    def into_inner(self):
        """End the borrow and return the MappedPages; this object is dead then. Raises UseAfterMove."""
        return self._end("into_inner()")

    def drop(self):
        """End the borrow and drop the mapping. Raises as MappedPages.drop(); then the collector has the mapping."""
        self._end("drop()").drop()

    def _end(self, consumer):
        view, inner = self._live(), self._inner
        view.__exit__(None, None, None)  # what a field of its struct could hide is release()
        object.__setattr__(self, "_view", consumer)
        object.__setattr__(self, "_inner", None)
        return inner

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        """Drop, unless that was done inside."""
        if type(self._view) is not str:
            drop_at_end(self, kind)
        return False

    def __bool__(self):
        return type(self._view) is not str

    def __repr__(self):
        if type(self._view) is str:
            return "%s(consumed by %s)" % (type(self).__name__, self._view)
        return "%s(%s, %s of %s)" % (type(self).__name__, self.mutability.__name__, self._view, self._inner)

    __str__ = __repr__


class BorrowedMappedPages(Borrowed):
    """A mapping as one struct: its fields are attributes of this object."""

    __iter__ = no_elements

    def __getattr__(self, name):
        return getattr(self._live(), name)

    def __setattr__(self, name, value):
        setattr(self._live(), name, value)

    def __delattr__(self, name):
        raise AttributeError("'BorrowedMappedPages' object: attribute '%s' can't be deleted" % name)


@seal
class BorrowedSliceMappedPages(Borrowed):
    """A mapping as elements of one type: indexed and iterated over like them."""

    def __len__(self):
        return len(self._live())

    def __getitem__(self, index):
        return self._live()[index]

    def __setitem__(self, index, value):
        self._live()[index] = value

    def __iter__(self):
        return iter(self._live())
