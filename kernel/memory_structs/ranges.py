"""`PageRange` and `FrameRange`: runs of chunks, inclusive at both ends.

Inclusive, so that the last page of the address space is expressible. Inside, a
range is its first and its last *4 KiB number*, whatever the size of its chunks.
"""

from .chunks import Frame, Page, Page4K, check_size
from .errors import AcrossTheHole, EmptyRange, Misaligned, OutOfRange, ReversedRange
from .instances import make
from .spaces import PAGE_SHIFT, check_integer


class ChunkRange:
    """Having a range means: every chunk in it exists, and no hole is inside. It never changes."""

    _chunk = None

    def __init__(self, first, last):
        """Take two chunks of one size, both inside the range.

        Raises TypeError, ReversedRange or AcrossTheHole.
        """
        self._check_chunk(first)
        self._check_chunk(last)
        if first._size is not last._size:
            raise TypeError("a range has one size: %s and %s" % (first, last))
        if first._number > last._number:
            raise ReversedRange(first, last)
        if not self._chunk._address._space.is_one_piece(first._number, last.last_number):
            raise AcrossTheHole(first, last)
        self._set(first._number, last.last_number, first._size)

    def _set(self, first, last, size):
        self._first = first
        self._last = last
        self._size = size

    @classmethod
    def from_numbers(cls, first, last, size=Page4K):
        """The range from the 4 KiB number `first` to the 4 KiB number `last`, both inside.

        For sizes above 4 KiB both ends must be aligned (else Misaligned).
        """
        units = check_size(size)
        start = cls._chunk(first, size)
        if (check_integer(last, "a number") + 1) & (units - 1):
            raise Misaligned(last + 1, units)
        return cls(start, cls._chunk(last + 1 - units, size))

    @classmethod
    def _of(cls, first, last):
        """`from_numbers` for the numbers of 4 KiB chunks that are known to exist, on one side of the hole."""
        return make(cls, "_first", first, "_last", last, "_size", Page4K)

    @classmethod
    def empty(cls, size=Page4K):
        """The range with nothing in it; its start, end and start_address raise EmptyRange."""
        check_size(size)
        return make(cls, "_first", 0, "_last", -1, "_size", size)

    @classmethod
    def _from_address(cls, address, size_in_bytes, size):
        """The chunks that hold `size_in_bytes` bytes from `address` on; none for 0 bytes."""
        first = cls._chunk.containing_address(address, size)
        if check_integer(size_in_bytes, "a byte count") == 0:
            return cls.empty(size)
        return cls(first, cls._chunk.containing_address(address + (size_in_bytes - 1), size))

    @classmethod
    def _check_chunk(cls, chunk):
        if chunk.__class__ is not cls._chunk:
            raise TypeError("%s needs a %s, not %s" % (cls.__name__, cls._chunk.__name__, type(chunk).__name__))

    def _check_range(self, other):
        if other.__class__ is not self.__class__:
            raise TypeError("cannot compare %s with %s" % (type(self).__name__, type(other).__name__))

    def _check_not_empty(self, question):
        if self._last < self._first:
            raise EmptyRange(question)

    def _chunk_of(self, number):
        """The chunk with a number that is known to be in here."""
        return make(self._chunk, "_number", number, "_size", self._size)

    @property
    def first_number(self):
        """The first 4 KiB number. Raises EmptyRange."""
        self._check_not_empty("first number")
        return self._first

    @property
    def last_number(self):
        """The last 4 KiB number, inclusive, whatever the size. Raises EmptyRange."""
        self._check_not_empty("last number")
        return self._last

    @property
    def size(self):
        """The size of its chunks: `Page4K`, `Page2M` or `Page1G`."""
        return self._size

    @property
    def start(self):
        """The first chunk."""
        if self._last < self._first:
            raise EmptyRange("start")
        return make(self._chunk, "_number", self._first, "_size", self._size)

    @property
    def end(self):
        """The last chunk, inclusive."""
        self._check_not_empty("end")
        return self._chunk_of(self._last + 1 - self._size.num_4k_pages)

    @property
    def start_address(self):
        self._check_not_empty("start_address")
        return make(self._chunk._address, "_value", self._first << PAGE_SHIFT)

    @property
    def size_in_bytes(self):
        return (self._last + 1 - self._first) << PAGE_SHIFT

    def __len__(self):
        return (self._last + 1 - self._first) // self._size.num_4k_pages

    def is_empty(self):
        return self._last < self._first

    def contains_address(self, address):
        """True for every byte of every chunk in the range."""
        return self._first <= self._chunk._number_of(address) <= self._last

    def contains(self, chunk):
        """True when all of `chunk`, of whatever size, is inside."""
        self._check_chunk(chunk)
        return self._first <= chunk._number and chunk.last_number <= self._last

    def contains_range(self, other):
        """True when all of `other` is inside; an empty range is inside nothing."""
        self._check_range(other)
        return not other.is_empty() and self._first <= other._first and other._last <= self._last

    def __contains__(self, thing):
        if thing.__class__ is self._chunk._address:
            return self.contains_address(thing)
        return self.contains_range(thing) if thing.__class__ is self.__class__ else self.contains(thing)

    def __getitem__(self, index):
        """The chunk at an index, from the end if it is negative; for a slice without a step the range of those in it.

        Raises TypeError, IndexError.
        """
        units = self._size.num_4k_pages
        if type(index) is slice:
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise TypeError("a range has no steps: [first:end]")
            if stop <= start:
                return self.empty(self._size)
            return self.from_numbers(self._first + start * units, self._first + stop * units - 1, self._size)
        if type(index) is not int:
            raise TypeError("an index is an int or a slice, not %s" % type(index).__name__)
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError("index %d of %s, which has %d" % (index, self, len(self)))
        return self._chunk_of(self._first + place * units)

    def overlap(self, other):
        """The range that both have in common, or None. Sizes must be the same."""
        self._check_range(other)
        if other._size is not self._size:
            raise TypeError("ranges of two sizes: convert one with to_size()")
        first = max(self._first, other._first)
        last = min(self._last, other._last)
        return self.from_numbers(first, last, self._size) if first <= last else None

    def offset_of_address(self, address):
        """How many bytes `address` lies behind the start. Raises OutOfRange when it is outside."""
        if not self.contains_address(address):
            raise OutOfRange(address, str(self))
        return address.value - (self._first << PAGE_SHIFT)

    def address_at_offset(self, offset):
        """The address `offset` bytes behind the start. Raises OutOfRange at or behind the end."""
        if check_integer(offset, "an offset") >= self.size_in_bytes:
            raise OutOfRange(offset, "the %d bytes of %s" % (self.size_in_bytes, self))
        return self._chunk._address((self._first << PAGE_SHIFT) + offset)

    def to_extended(self, chunk):
        """The smallest range with this one and `chunk` in it. Raises AcrossTheHole."""
        self._check_chunk(chunk)
        if self.is_empty():
            return self.__class__(chunk, chunk)
        if chunk._size is not self._size:
            raise TypeError("%s has chunks of %s, not of %s" % (self, self._size, chunk._size))
        return self.__class__(min(self.start, chunk), max(self.end, chunk))

    def to_size(self, size):
        """The same bytes in chunks of another size. Raises Misaligned when an end does not fit."""
        check_size(size)
        if self.is_empty():
            return type(self).empty(size)
        return self.from_numbers(self._first, self._last, size)

    def __iter__(self):
        """Every chunk upwards. Counts numbers, so that both ends of the space are safe."""
        for number in range(self._first, self._last + 1, self._size.num_4k_pages):
            yield self._chunk_of(number)

    def __reversed__(self):
        """Every chunk downwards, down to number 0."""
        units = self._size.num_4k_pages
        for number in range(self._last + 1 - units, self._first - 1, -units):
            yield self._chunk_of(number)

    def __eq__(self, other):
        if other.__class__ is not self.__class__ or other._size is not self._size:
            return False
        return self._first == other._first and self._last == other._last

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash((self._first, self._last, self._size._level))

    def __repr__(self):
        name = type(self).__name__
        if self._size is not Page4K:
            name += "[%s]" % self._size._name
        if self.is_empty():
            return name + "(empty)"
        text_of = self._chunk._address._space.text_of
        return "%s(%s..=%s)" % (name, text_of(self._first << PAGE_SHIFT), text_of((self._last << PAGE_SHIFT) + 4095))

    __str__ = __repr__


class PageRange(ChunkRange):
    """A run of virtual pages."""

    _chunk = Page

    @classmethod
    def from_virt_addr(cls, address, size_in_bytes, size=Page4K):
        """The pages that hold `size_in_bytes` bytes from `address` on; the empty range for 0."""
        return cls._from_address(address, size_in_bytes, size)

    @property
    def size_in_pages(self):
        return len(self)


class FrameRange(ChunkRange):
    """A run of physical frames."""

    _chunk = Frame

    @classmethod
    def from_phys_addr(cls, address, size_in_bytes, size=Page4K):
        """The frames that hold `size_in_bytes` bytes from `address` on; the empty range for 0."""
        return cls._from_address(address, size_in_bytes, size)

    @property
    def size_in_frames(self):
        return len(self)
