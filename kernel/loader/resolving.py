"""`Resolving`: who defines what the objects of one call refer to: strong before common before weak.

A symbol is looked for in the objects of the call, in their namespace, and in the namespaces below. One that is weak and
that nobody defines is 0.
"""

from struct import unpack_from

import micropython
from memory_structs.instances import make
from micropython import const

from . import elf, tables
from .errors import AlreadyLoaded, DuplicateSymbol, UnresolvedSymbol
from .namespaces import COMMON, STRONG, WEAK
from .places import REGION_END, REGION_START
from .relocations import REACH, STUB_BYTES
from .sections import Definition, LoadedObject, ObjectSection

_FIRST_THAT_IS_SEEN = const(16)  # st_info: the binding is above the type, and local is 0
GOT_SYMBOL = "_GLOBAL_OFFSET_TABLE_"


class Part:
    """A file on its way to being a LoadedObject: what only linking needs.

    .resolved    by index of symbol: a Definition, or None until it was asked for
    .buffers     {group: bytearray}: the contents, as far as they are not zero
    .sizes       {group: bytes}
    .slots       {index of symbol: offset in the GOT}; .stubs {index of symbol: offset in the PLT}
    """

    def __init__(self, file, namespace):
        self.file = file
        self.object = LoadedObject(file.name, namespace)
        self.resolved = [None] * file.symbols
        self.commons = []
        self.slots = {}
        self.stubs = {}
        self.buffers = {}
        self.sizes = {}
        self.pages = None


class Resolving:
    """Objects that may refer to each other: `.parts`. `.definitions` is what the namespace knows when all is done."""

    def __init__(self, namespace, files, instead_of=None):
        """`files` are (name, bytes). With `instead_of`, a LoadedObject, it links as if that one were not there."""
        self.namespace = namespace
        self.gone = [] if instead_of is None else [instead_of]
        self.before = namespace.without_objects(self.gone) if self.gone else dict(namespace.definitions)
        self.definitions = dict(self.before)
        self.parts = []
        self.is_committed = False
        taken = [name for name, each in namespace.objects.items() if each not in self.gone]
        for each in files:
            if type(each) not in (tuple, list) or len(each) != 2:
                raise TypeError("each file is (name, bytes), not %s" % type(each).__name__)
            name, data = each
            if name in taken:
                raise AlreadyLoaded(name, "", name, "an object of this name is loaded: unload or replace it")
            taken.append(name)
            self.parts.append(Part(tables.parse(name, data), namespace))

    # Define.

    @staticmethod
    @micropython.native
    def _make_sections(part):
        made = part.object.sections
        for index, header in enumerate(part.file.sections):
            if header.is_loaded:
                flags = header.flags
                group = "text" if flags & elf.EXECUTE else "data" if flags & elf.WRITE else "rodata"
                made[index] = make(
                    ObjectSection, "object", part.object, "name", header.name, "group", group, "size", header.size
                )

    @micropython.native
    def _define(self, part):
        """Take in the symbols of a file that others can see."""
        made, file, object = part.object.sections, part.file, part.object
        symbols, definitions = object.symbols, self.definitions
        object.file, names, data, at = file, file.names, file.data, file.symbols_at
        for symbol, mark in enumerate(file.marks):
            if not mark & tables.DEFINES:
                continue
            name_at, info, _, index, value, size = unpack_from("<IBBHqq", data, at + 24 * symbol)
            section = made.get(index)
            if section is None and index not in (tables.ABSOLUTE, tables.COMMON):
                continue
            name = names[name_at : names.find(b"\0", name_at)].decode()
            if index == tables.COMMON:
                part.commons.append((name, size, value))
                continue
            strength = WEAK if info >> 4 == tables.WEAK else STRONG
            new = make(Definition, "name", name, "section", section, "value", value, "size", size, "binding", strength)
            known = definitions.get(name)
            if known is None:
                symbols[name] = definitions[name] = new
                continue
            if known.binding == strength == STRONG:
                text = "%%s is defined already, in %s" % known.holder
                raise DuplicateSymbol(object.name, section.name if section else "", name, text)
            if known.binding < strength:
                definitions[name] = new
            known = symbols.get(name)
            if known is None or known.binding < strength:
                symbols[name] = new

    def _define_commons(self):
        """Give each common symbol that nobody defines a place in the object that wants the largest, aligned for all."""
        largest = {}
        for part in self.parts:
            for name, size, align in part.commons:
                where, most, aligned = largest.get(name, (part, size, align))
                largest[name] = part if size > most else where, max(size, most), max(align, aligned)
            part.commons = []
        for name, (part, size, align) in sorted(largest.items(), key=lambda each: each[0]):
            known = self.definitions.get(name)
            if known is None or known.binding < COMMON:
                part.commons.append((name, size, align))

    # Resolve.

    @micropython.native
    def _resolve(self, part):
        """Find the definitions of all symbols that relocations name; which of them need a slot or a stub."""
        resolved, file, sections, definitions = part.resolved, part.file, part.object.sections, self.definitions
        data, at, names = file.data, file.symbols_at, file.names
        commons = [name for each in self.parts for name, _, _ in each.commons]
        for symbol, mark in enumerate(file.marks):
            if mark & tables.USED:
                name_at, info, _, index, value, size = unpack_from("<IBBHqq", data, at + 24 * symbol)
                if info < _FIRST_THAT_IS_SEEN:
                    section = sections.get(index)
                    found = Definition("", section, value, size, STRONG)
                else:
                    found = None if commons else definitions.get(names[name_at : names.find(b"\0", name_at)].decode())
                    if found is None:
                        found = self._definition_of(part, symbol, commons)
                resolved[symbol] = found
                if mark & tables.SLOT:
                    part.slots[symbol] = 8 * len(part.slots)
                if mark & tables.CALLED and found.section is None and found.value is not None and is_far(found.value):
                    part.stubs[symbol] = STUB_BYTES * len(part.stubs)

    @micropython.native
    def _definition_of(self, part, symbol, commons):
        """The Definition that a symbol means that others can see. Raises UnresolvedSymbol."""
        file = part.file
        name_at, binding, _, index, _, _ = file.symbol(symbol)
        name = file.text_at(file.names, name_at, "the symbol table")
        if name in commons:
            return Definition(name, None, None, 0, COMMON)
        found = self.definitions.get(name)
        if found is None:
            parent = self.namespace.parent
            found = parent.find(name) if parent is not None else None
            if found is None and name == GOT_SYMBOL:
                found = Definition(name, None, 0, 0, STRONG)
            if found is None:
                if index == tables.UNDEFINED and binding == tables.WEAK:
                    return Definition(name, None, 0, 0, WEAK)
                refuse_unresolved(part, symbol, name)
        return found


def is_far(address):
    """True for an address that a part of the region for objects can't reach by 32 bits."""
    return address - REGION_END < -REACH or address - REGION_START >= REACH


def refuse_unresolved(part, symbol, name):
    """Raise UnresolvedSymbol with the first place that refers to the symbol."""
    for index, section in part.object.sections.items():
        for at, count in part.file.sections[index].relocations:
            for entry in range(at, at + 24 * count, 24):
                offset, _, used = unpack_from("<qII", part.file.data, entry)
                if used == symbol:
                    text = "%%s, to which offset %#x refers, is defined by nobody" % offset
                    raise UnresolvedSymbol(part.file.name, section.name, name, text)
