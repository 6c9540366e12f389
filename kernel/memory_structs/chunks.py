"""`Page` and `Frame`: aligned chunks of an address space, in three sizes."""

from .addresses import PhysicalAddress, VirtualAddress, index_of, refuse_operand
from .errors import AcrossTheHole, Misaligned, OutOfRange
from .instances import make
from .spaces import ADDRESS_BITS, PAGE_SHIFT, check_integer


class PageSize:
    """One of the three sizes that the tables can map: `Page4K`, `Page2M`, `Page1G`."""

    def __init__(self, name, level):
        self._name = name
        self._level = level

    @property
    def level(self):
        """The level of the entry that maps such a page: 1 (P1), 2 (P2) or 3 (P3)."""
        return self._level

    @property
    def num_4k_pages(self):
        return 1 << 9 * (self._level - 1)

    @property
    def size_in_bytes(self):
        return self.num_4k_pages << PAGE_SHIFT

    def __repr__(self):
        return "Page" + self._name


Page4K = PageSize("4K", 1)
Page2M = PageSize("2M", 2)
Page1G = PageSize("1G", 3)


class MemChunkSize:
    """The run-time names of the sizes."""

    Normal4K = Page4K
    Huge2M = Page2M
    Huge1G = Page1G


def check_size(size):
    """Refuse what is not one of the three sizes (TypeError); return its length in 4 KiB units."""
    if size.__class__ is not PageSize:
        raise TypeError("a size must be Page4K, Page2M or Page1G, not %s" % type(size).__name__)
    return size.num_4k_pages


class Chunk:
    """Having a chunk means: its number exists and is a multiple of its size. It never changes."""

    _family = "chunk"
    _address = None

    def __init__(self, number, size=Page4K):
        """Take a number in 4 KiB units, whatever the size.

        Raises TypeError, ValueError, NonCanonicalAddress, PhysicalAddressTooWide or Misaligned.
        """
        units = check_size(size)
        space = self._address._space
        if not space.has_number(check_integer(number, "a number")):
            raise self._address._no_such(number << PAGE_SHIFT, space)
        if number & (units - 1):
            below = self._address((number & ~(units - 1)) << PAGE_SHIFT)
            raise Misaligned(self._address(number << PAGE_SHIFT), size.size_in_bytes, below)
        self._number = number
        self._size = size

    @classmethod
    def containing_address(cls, address, size=Page4K):
        """The chunk that `address` lies in: rounds down."""
        units = check_size(size)
        return cls(cls._number_of(address) & ~(units - 1), size)

    @classmethod
    def from_start_address(cls, address, size=Page4K):
        """The chunk that begins at `address`, which must be aligned (else Misaligned)."""
        number = cls._number_of(address)
        if address.value & ((check_size(size) << PAGE_SHIFT) - 1):
            raise Misaligned(address, size.size_in_bytes, address.align_down(size.size_in_bytes))
        return cls(number, size)

    @classmethod
    def maximum(cls, size=Page4K):
        """The last chunk of the space."""
        return cls(cls._address._space.last & ~(check_size(size) - 1), size)

    @classmethod
    def _number_of(cls, address):
        if address.__class__ is not cls._address:
            raise TypeError("%s needs a %s, not %s" % (cls.__name__, cls._address.__name__, type(address).__name__))
        return address.number

    @property
    def number(self):
        """The number of its first 4 KiB (start address >> 12), whatever the size."""
        return self._number

    @property
    def last_number(self):
        """The number of its last 4 KiB."""
        return self._number + self._size.num_4k_pages - 1

    @property
    def size(self):
        return self._size

    @property
    def start_address(self):
        return make(self._address, "_value", self._number << PAGE_SHIFT)

    @property
    def end_address(self):
        """The address behind its last byte. Raises where there is none: behind the last chunk of a half or a space."""
        return self.start_address + self._size.size_in_bytes

    def __contains__(self, address):
        """True when `address` is that of one of its bytes. Raises TypeError for what is no address of its space."""
        return self._number <= self._number_of(address) <= self.last_number

    def to_size(self, size):
        """The chunk of another size with the same start. Raises Misaligned when it can't begin here."""
        return self.__class__(self._number, size)

    def _moved_by(self, count):
        """The chunk `count` of its own sizes away, in the same half of the space."""
        size, own, space = self._size, self._number, self._address._space
        number = own + (count if size is Page4K else count * size.num_4k_pages)
        low_end = space.low_end
        if 0 <= number < low_end if own < low_end else space.high_first <= number <= space.last:
            return make(self.__class__, "_number", number, "_size", size)
        if 0 <= number < low_end or space.high_first <= number <= space.last:
            raise AcrossTheHole(self, make(self.__class__, "_number", number, "_size", size))
        raise OutOfRange(number, "the numbers of the %s address space" % space.name)

    def __add__(self, count):
        """`chunk + count`, in units of its own size. Raises OutOfRange."""
        if count.__class__ is not int or count < 0 or count >> ADDRESS_BITS:
            if count.__class__ is not int:
                refuse_operand(self, count, "chunks")
            check_integer(count, "a count")
        return self._moved_by(count)

    __radd__ = __add__

    def __sub__(self, other):
        """`chunk - count` is a chunk; `chunk - chunk` of one kind and size is a plain int."""
        if other.__class__ is self.__class__:
            return (self._number - self._comparable(other)) // self._size.num_4k_pages
        if other.__class__ is not int:
            refuse_operand(self, other, "chunks")
        return self._moved_by(-check_integer(other, "a count"))

    def __repr__(self):
        name = type(self).__name__
        if self._size is not Page4K:
            name += "[%s]" % self._size._name
        return "%s(%s)" % (name, self._address._space.text_of(self._number << PAGE_SHIFT))

    __str__ = __repr__

    def __eq__(self, other):
        return other.__class__ is self.__class__ and self._number == other._number and self._size is other._size

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash((self._number, self._size._level))

    def _comparable(self, other):
        if other.__class__ is not self.__class__:
            raise TypeError("cannot compare %s with %s" % (type(self).__name__, type(other).__name__))
        if other._size is not self._size:
            raise TypeError("cannot compare %s with %s: convert one with to_size()" % (self, other))
        return other._number

    def __lt__(self, other):
        return self._number < self._comparable(other)

    def __le__(self, other):
        return self._number <= self._comparable(other)

    def __gt__(self, other):
        return self._number > self._comparable(other)

    def __ge__(self, other):
        return self._number >= self._comparable(other)


class Page(Chunk):
    """A chunk of virtual address space."""

    _address = VirtualAddress

    def index_at(self, level):
        """The table index (0-511) that the walk uses at `level`, from the root's (4 or 5) down to 1."""
        return index_of(self._number, level)

    def p5_index(self):
        """Raises ValueError where there are four levels of tables only."""
        return self.index_at(5)

    def p4_index(self):
        return self.index_at(4)

    def p3_index(self):
        return self.index_at(3)

    def p2_index(self):
        return self.index_at(2)

    def p1_index(self):
        return self.index_at(1)


class Frame(Chunk):
    """A chunk of physical memory."""

    _address = PhysicalAddress
