"""`parse`: the symbols and relocations of an ElfFile, checked.

Tables are long, and nearly all of their entries are plain: machine code looks for the next one that needs a closer
look, and Python says what is wrong with it. What a symbol is for is marked on the way.
"""

from array import array
from struct import unpack_from

import micropython
from micropython import const

from .elf import MOST_IN_ALL, read_sections, strings
from .errors import BadElf, NothingToLoad, ObjectTooLarge, UnsupportedElf
from .relocations import MAY_NEED_STUB, NAMES, NEED_SLOT, WIDTHS

_PAGE = const(4096)
# Types of sections.
_SYMTAB = const(2)
_RELA = const(4)
NOBITS = const(8)
_REL = const(9)
# Sections of symbols that are in none; bindings; types.
UNDEFINED = const(0)
_RESERVED = const(0xFF00)
ABSOLUTE = const(0xFFF1)
COMMON = const(0xFFF2)
LOCAL = const(0)
WEAK = const(2)
_TYPE_TLS = const(6)
_TYPE_IFUNC = const(10)
# Marks of symbols; and what `odd_relocation` knows of a type: its width in the lowest bits, and what it marks.
DEFINES = const(1)
USED = const(0x10)
SLOT = const(0x20)
CALLED = const(0x40)
_KINDS = const(64)


def _kinds():
    """A byte for each type of relocation, 0 for those that are not known."""
    kinds = bytearray(_KINDS)
    for kind, width in WIDTHS.items():
        kinds[kind] = width | USED | (SLOT if kind in NEED_SLOT else 0) | (CALLED if kind in MAY_NEED_STUB else 0)
    return bytes(kinds)


KINDS = _kinds()


def parse(name, data):
    """Return the ElfFile of a file's bytes. Raises TypeError, or an ObjectError that names section and value."""
    file = read_sections(name, data)
    commons = _read_symbols(file)
    if not commons and not any([section.is_loaded for section in file.sections]):
        file.refuse(NothingToLoad, "", len(file.sections), "none of its %s sections has anything to load")
    for section in file.sections:
        if section.type == _REL:
            file.refuse(UnsupportedElf, section, section.type, "relocations without addends (type %s)")
        if section.type == _RELA:
            _read_relocations(file, section)
    return file


def _read_symbols(file):
    """Check the symbol table; returns how many bytes the common symbols take."""
    tables = [section for section in file.sections if section.type == _SYMTAB]
    if len(tables) > 1:
        file.refuse(BadElf, tables[1], len(tables), "%s symbol tables: one expected")
    common = 0
    for table in tables:
        if table.entry != 24 or table.size % 24:
            file.refuse(BadElf, table, table.entry, "symbols of %s bytes: a multiple of 0x18 expected")
        file.names = strings(file, table.link, table)
        file.symbols_at, file.symbols = table.offset, table.size // 24
        file.marks = bytearray(file.symbols)
        try:
            file.names.decode()  # all of them at once: whoever needs a name finds text
        except UnicodeError:
            file.refuse(BadElf, table, len(file.names), "its string table of %s bytes has a name that is no text")
        limits = array("i", [section.size if section.is_loaded else -1 for section in file.sections])
        facts = array("i", (file.symbols, len(file.names), len(limits)))
        index = next_odd_symbol(file.data, table.offset, 0, facts, limits, file.marks)
        while index < file.symbols:
            common += _check_symbol(file, table, index)
            index = next_odd_symbol(file.data, table.offset, index + 1, facts, limits, file.marks)
    return common


@micropython.viper
def next_odd_symbol(data: ptr8, at: int, index: int, facts: ptr32, limits: ptr32, marks: ptr8) -> int:
    """The index of the next symbol that needs a closer look; behind the last one, how many there are.

    Those on the way are plain: undefined, or inside a section that ends where `limits` says (-1: it is not loaded). Of
    all, whether others can see them is marked.
    """
    count = int(facts[0])
    names = int(facts[1])
    sections = int(facts[2])
    symbol = ptr32(int(data) + at + 24 * index)
    while index < count:
        info = int(symbol[1]) & 0xFF
        section = int(symbol[1]) >> 16 & 0xFFFF
        if info >> 4 and section:
            marks[index] = DEFINES
        if int(symbol[0]) >= names or info >> 4 > WEAK or info & 15 == _TYPE_TLS or info & 15 == _TYPE_IFUNC:
            return index
        if section:
            if section >= sections or int(symbol[3]) | int(symbol[5]) or int(symbol[2]) >> 31 or int(symbol[4]) >> 31:
                return index
            if int(limits[section]) < 0x80000000 and int(symbol[2]) + int(symbol[4]) > int(limits[section]):
                return index
        index += 1
        symbol = ptr32(int(symbol) + 24)
    return index


def _check_symbol(file, table, index):
    """Refuse a symbol, or return how many bytes it takes if it is a common one."""
    name, binding, kind, section, value, size = file.symbol(index)
    if name >= len(file.names):
        file.refuse(BadElf, table, name, "a name at offset %s is not inside the string table")
    if binding > WEAK or kind in (_TYPE_TLS, _TYPE_IFUNC):
        file.refuse(UnsupportedElf, table, binding << 4 | kind, "symbols of the kind %s are not loaded")
    if 0 < section < len(file.sections):
        inside = file.sections[section]
        if inside.is_loaded and not 0 <= value <= value + size <= inside.size:
            text = "its symbol %s reaches behind its end" % file.text_at(file.names, name, table)
            file.refuse(BadElf, inside, value, text + " (value %s)")
    elif section == COMMON and binding:
        if value & (value - 1) or not 0 < value <= _PAGE:
            file.refuse(BadElf, table, value, "a common symbol's alignment is %s: a power of two up to 0x1000")
        if not 0 <= size <= MOST_IN_ALL:
            file.refuse(ObjectTooLarge, table, size, "%%s bytes: at most %#x are loaded" % MOST_IN_ALL)
        return size + value
    elif section not in (UNDEFINED, ABSOLUTE):
        file.refuse(BadElf, table, section, "a symbol's section %s does not exist")
    return 0


def _read_relocations(file, table):
    """Check the relocations in a section, and give them to the section that they are for, if it is loaded."""
    sections = file.sections
    if table.info >= len(sections):
        file.refuse(BadElf, table, table.info, "it is for section %s, which does not exist")
    target = sections[table.info]
    if not target.is_loaded:
        return
    if table.entry != 24 or table.size % 24:
        file.refuse(BadElf, table, table.entry, "relocations of %s bytes: a multiple of 0x18 expected")
    if table.link >= len(sections) or sections[table.link].type != _SYMTAB:
        file.refuse(BadElf, table, table.link, "its symbol table, section %s, is none")
    if target.type == NOBITS:
        file.refuse(BadElf, table, table.info, "it is for section %s, which has no contents")
    facts = array("i", (table.size // 24, target.size, file.symbols, file.symbols_at, len(sections)))
    loaded = bytes([section.is_loaded for section in sections])
    odd = odd_relocation(file.data, table.offset, facts, KINDS, loaded, file.marks)
    if odd >= 0:
        _refuse_relocation(file, target, table.offset + 24 * odd)
    target.relocations += ((table.offset, table.size // 24),)


@micropython.viper
def odd_relocation(data: ptr8, at: int, facts: ptr32, kinds: ptr8, loaded: ptr8, marks: ptr8) -> int:
    """The index of the first relocation that breaks a rule, or -1; the symbols of those before are marked."""
    count = int(facts[0])
    size = int(facts[1])
    symbols = int(facts[2])
    sections = int(facts[4])
    table = int(data) + int(facts[3])
    relocation = ptr32(int(data) + at)
    index = 0
    while index < count:
        kind = int(relocation[2])
        symbol = int(relocation[3])
        if kind >= _KINDS or int(kinds[kind]) == 0 or symbol >= symbols or int(relocation[1]):
            return index
        if int(relocation[0]) + (int(kinds[kind]) & 15) > size:
            return index
        section = int(ptr32(table + 24 * symbol)[1]) >> 16 & 0xFFFF
        if section and section < sections and int(loaded[section]) == 0:
            return index
        marks[symbol] = int(marks[symbol]) | int(kinds[kind]) & 0xF0
        index += 1
        relocation = ptr32(int(relocation) + 24)
    return -1


def _refuse_relocation(file, target, at):
    offset, kind, index = unpack_from("<qII", file.data, at)
    if kind not in WIDTHS:
        text = "relocations of %s are not known here"
        file.refuse(UnsupportedElf, target, NAMES.get(kind, "type %d" % kind), text)
    if index >= file.symbols:
        file.refuse(BadElf, target, index, "a relocation is about symbol %s, which does not exist")
    if not 0 <= offset <= target.size - WIDTHS[kind]:
        file.refuse(BadElf, target, offset, "a relocation is for offset %s, behind the end of the section")
    name = file.name_of(file.sections[file.symbol(index)[3]])
    file.refuse(BadElf, target, name, "a relocation is about the section %s, which is not loaded")
