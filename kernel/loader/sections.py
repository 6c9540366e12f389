"""What is loaded: objects, their sections, the symbols in them, and who needs whom.

The words are Theseus's: there an object is a LoadedCrate. A section knows the sections that it needs
(`sections_i_depend_on`), and those that need it (`sections_dependent_on_me`): so a user can go first, and what is used
cannot. Relocations inside one object are no dependencies.
"""

from time import ticks_cpu

from memory.views import LoadedSection

from .relocations import unsigned

GROUPS = ("text", "rodata", "data")
RIGHTS = {"text": "r-x", "rodata": "r--", "data": "rw-"}


class Dependency:
    """The `relocation` (type, offset, addend) in the section `user` leads to the symbol `symbol`, in `used`."""

    def __init__(self, user, used, symbol, relocation):
        self.user = user
        self.used = used
        self.symbol = symbol
        self.relocation = relocation

    def __repr__(self):
        return "%s needs %s of %s" % (self.user, self.symbol, self.used)


class ObjectSection(LoadedSection):
    """A section of a loaded object: `size` bytes at `offset` of the mapping of its group.

    .address    of its first byte (a number, negative in the kernel's half)
    .group      "text", "rodata" or "data"; .mapped_pages is that mapping
    """

    def __init__(self, object, name, group, offset, size):
        self.object = object
        self.name = name
        self.group = group
        self.offset = offset
        self.size = size

    # Until there are any.
    address = 0
    mapped_pages = None

    @property
    def sections_i_depend_on(self):
        """The Dependencies of this section on those of other objects."""
        return [each for each in self.object.needs() if each.user is self]

    @property
    def sections_dependent_on_me(self):
        """The Dependencies of other objects' sections on this one."""
        return [each for each in self.object.users() if each.used is self]

    def __repr__(self):
        return "%s of %s" % (self.name, self.object.name)


class Definition:
    """Where a symbol is: `value` bytes into `section`, or the address `value` if section is None."""

    def __init__(self, name, section, value, size, binding):
        self.name = name
        self.section = section
        self.value = value
        self.size = size
        self.binding = binding

    @property
    def address(self):
        """A number, negative in the kernel's half."""
        return self.value if self.section is None else self.section.address + self.value

    @property
    def holder(self):
        """The name of the object that defines it."""
        return "the kernel" if self.section is None else self.section.object.name


class Symbol(LoadedSection):
    """A symbol's bytes, for `as_func`, `mapped_pages` and a look: `.address` is a number, from 0 on.

    One without a size, as an assembler's label, reaches to the end of its section.
    """

    def __init__(self, definition):
        section, value = definition.section, definition.value
        size = definition.size or section.size - value
        LoadedSection.__init__(self, definition.name, section.mapped_pages, section.offset + value, size)
        self.section = section
        self.address = unsigned(definition.address)

    def users(self):
        """The sections of other objects that refer to it."""
        return [each.user for each in self.section.sections_dependent_on_me if each.symbol == self.name]

    def __repr__(self):
        return "Symbol(%s, %#x bytes at v%#x in %s)" % (self.name, self.size, self.address, self.section)


class LoadedObject:
    """An object file in memory.

    .name, .namespace
    .sections   {index in the file: ObjectSection}, ".got" and ".plt" by these names if it has them
    .symbols    {name: Definition} of what it defines for others
    .mappings   {group: MappedPages}
    .start, .end   of all its pages: numbers, negative in the kernel's half
    .data_start, .data_bytes   of its writable sections, one behind the other
    .uses, .used_by    {LoadedObject: [Dependency]}: a.uses[b] and b.used_by[a] are one list
    .is_replaced   another has taken its place, and somebody still holds a part of it
    """

    def __init__(self, name, namespace):
        self.name = name
        self.namespace = namespace
        self.sections = {}
        self.symbols = {}
        self.mappings = {}
        self.file = None  # the ElfFile: its symbols have the names of all places
        self.relocated = {}  # {section: {offset: bytes}} of what relocations stored into writable sections
        self.uses = {}
        self.used_by = {}
        self.start = self.end = self.data_start = self.data_bytes = 0
        self.is_replaced = False
        self.loaded_at = ticks_cpu()

    def symbol(self, name):
        """A Symbol by its name. Raises KeyError."""
        return Symbol(self.symbols[name])

    def users(self):
        """The Dependencies that others have on it."""
        return [each for found in self.used_by.values() for each in found]

    def needs(self):
        """The Dependencies that it has on others."""
        return [each for found in self.uses.values() for each in found]

    def sizes(self):
        """(group, rights, bytes in use) of every group that it has."""
        found = []
        for group in GROUPS:
            ends = [each.offset + each.size for each in self.sections.values() if each.group == group]
            if ends:
                found.append((group, RIGHTS[group], max(ends)))
        return found

    def address_of(self, name):
        """The address (a number, signed) of the one symbol of a name, local ones included; None otherwise."""
        if name in self.symbols:
            return self.symbols[name].address
        found = []
        for symbol in range(self.file.symbols):
            name_at, _, kind, inside, value, _ = self.file.symbol(symbol)
            if kind < 3 and inside in self.sections and text_at(self.file.names, name_at) == name:
                found.append(self.sections[inside].address + value)
        return found[0] if len(found) == 1 else None

    def where(self, address):
        """(section name, symbol name, offset) of an address (a number, signed) inside; see `objects.where`."""
        for index, section in self.sections.items():
            offset = address - section.address
            if 0 <= offset < section.size:
                best, at = -1, 0
                for symbol in range(self.file.symbols):
                    name_at, _, kind, inside, value, size = self.file.symbol(symbol)
                    if inside == index and kind < 3 and best < value <= offset and (not size or offset < value + size):
                        best, at = value, name_at
                if best < 0:
                    for each in self.symbols.values():  # a common one's place is not in the file
                        if each.section is section and each.value <= offset < each.value + each.size:
                            return section.name, each.name, offset - each.value
                    return section.name, "", offset
                return section.name, text_at(self.file.names, at), offset - best
        return "", "", address - self.start

    def __repr__(self):
        sizes = ", ".join("%s %s %#x" % each for each in self.sizes())
        count = len(self.symbols)
        return "%s: %s, %d symbol%s" % (self.name, sizes, count, "" if count == 1 else "s")


def text_at(names, at):
    """The name at an offset of a string table whose bounds were checked; what is no text, as bytes show."""
    name = names[at : names.find(b"\0", at)]
    try:
        return str(name, "utf-8")
    except UnicodeError:
        return repr(name)
