"""`LoadedSection`: a named part of a mapping, and the functions in it."""

from .refusals import OutOfBounds


class LoadedSection:
    """`size` bytes at byte `offset` of a mapping; machine code when the mapping is executable.

    A function comes from a section whose bounds are known, never from any address in an executable page.
    """

    def __init__(self, name, mapped_pages, offset=0, size=None):
        """Name a part of `mapped_pages`; without a size, the rest. Raises UseAfterMove, TypeError or OutOfBounds."""
        whole = mapped_pages.size_in_bytes
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
        return self.mapped_pages._lend().function(signature, offset, self.offset, self.size)

    def __repr__(self):
        return "LoadedSection(%s, %d bytes at offset %s of %s)" % (
            self.name,
            self.size,
            hex(self.offset),
            self.mapped_pages,
        )
