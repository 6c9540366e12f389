"""`LoadedSection`: a named part of a mapping, and the functions in it."""

from .refusals import NotExecutable, OutOfBounds
from .views import EXECUTE

LETTERS = "bBhHiIlLqQfd"
INTEGERS_MAX, FLOATS_MAX = 6, 8  # registers for arguments


class LoadedSection:
    """`size` bytes at byte `offset` of a mapping; machine code when the mapping is executable.

    A function comes from a section whose bounds are known, never from any address in an executable page.
    """

    def __init__(self, name, mapped_pages, offset=0, size=None):
        """Name a part of `mapped_pages`; without a size, the rest. Raises UseAfterMove, TypeError or OutOfBounds."""
        whole = mapped_pages.size_in_bytes
        if not hasattr(mapped_pages, "into_borrowed"):
            raise TypeError("mapped_pages must be MappedPages, not %s" % type(mapped_pages).__name__)
        if size is None and type(offset) is int:
            size = whole - offset
        if type(offset) is not int or type(size) is not int:
            raise TypeError("offset and size of a section are ints")
        if offset < 0 or size < 0 or offset + size > whole:
            raise OutOfBounds(mapped_pages, offset, size)
        self.name = name
        self.mapped_pages = mapped_pages
        self.offset = offset
        self.size = size

    def as_func(self, signature, offset=0):
        """The function that begins `offset` bytes into the section, as something to call.

        `signature` is the result's letter and the arguments' in brackets, letters as in `struct`: "q(qq)", "d(dq)",
        "(Q)" for no result. What the code does is up to it: a fault in it arrives as an exception here, Ctrl-C ends it;
        the System V ABI is its side of the contract. The mapping stays borrowed while the function lives.

        Raises ValueError, OutOfBounds, NotExecutable (the mapping must be executable and not writable) or UseAfterMove.
        """
        lease = self.mapped_pages._lend()
        result, arguments = letters_of(signature)
        if lease.rights != EXECUTE:
            raise NotExecutable(self.mapped_pages)
        if offset >= self.size:
            raise OutOfBounds(self.mapped_pages, self.offset + offset, 1)
        return lease.function(result, arguments, offset, self.offset, self.size)

    def __repr__(self):
        return "LoadedSection(%s, %d bytes at offset %s of %s)" % (
            self.name,
            self.size,
            hex(self.offset),
            self.mapped_pages,
        )


def letters_of(signature):
    """The letters of the result (none, or one) and of the arguments. Raises ValueError or TypeError."""
    if type(signature) is not str:
        raise TypeError("a signature is a str, not %s" % type(signature).__name__)
    result, _, rest = signature.partition("(")
    arguments = rest[:-1]
    floats = arguments.count("f") + arguments.count("d")
    if (
        len(result) > 1
        or rest[-1:] != ")"
        or any(letter not in LETTERS for letter in result + arguments)
        or floats > FLOATS_MAX
        or len(arguments) - floats > INTEGERS_MAX
    ):
        raise ValueError(
            "%r is no signature: a letter for the result (or none), then those of the arguments in brackets, as in"
            " 'q(qd)'; letters b B h H i I l L q Q f d, at most 6 integers and 8 floats" % (signature,)
        )
    return result, arguments
