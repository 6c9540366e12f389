"""A relocatable ELF64 file for x86-64 as an `ElfFile`, or the reason why it is none.

    ELF header -> section headers -> (tables.py) symbol table -> relocations of the sections that are loaded

Everything that the file says is checked against the file itself, before anything is allocated for it: whoever has an
ElfFile of `tables.parse` need not doubt a number in it. The words are those of the ELF specification and of the psABI.

Numbers of 64 bits are read with a sign: what could be right is small, and small ones cost no memory.
"""

from struct import unpack_from

import micropython
from memory_structs.instances import make
from micropython import const

from .errors import BadElf, ObjectTooLarge, UnsupportedElf, WritableExecutableSection

# What an object may take, in bytes: what comes out of the file, and all of it.
MOST_CONTENTS = 4 << 20
MOST_IN_ALL = 16 << 20

_HEADER_BYTES = const(64)
_PAGE = const(4096)
_RELOCATABLE = const(1)
_X86_64 = const(62)
# Types of sections.
_NULL = const(0)
_PROGBITS = const(1)
_STRTAB = const(3)
_NOTE = const(7)
NOBITS = const(8)
_UNWIND = const(0x70000001)
WITHOUT_CONTENTS = (_NULL, NOBITS)
ARRAYS = {14: "SHT_INIT_ARRAY", 15: "SHT_FINI_ARRAY", 16: "SHT_PREINIT_ARRAY"}
RUN_UNASKED = (".ctors", ".dtors", ".init", ".fini")
NOT_LOADED = (".eh_frame",)
# Flags of sections.
WRITE = const(1)
_ALLOC = const(2)
EXECUTE = const(4)
_TLS = const(0x400)
_COMPRESSED = const(0x800)
_EXCLUDE = const(0x80000000)
_RESERVED = const(0xFF00)


class SectionHeader:
    """A section as the file has it: .name_at, .type, .flags, .offset, .size, .link, .info, .align, .entry.

    .name          known of those that are in memory when the program runs, "" of others
    .relocations   of a loaded one: [(where they are in the file, how many)]
    """

    name = ""
    is_loaded = False
    relocations = ()


class ElfFile:
    """A file that keeps all rules.

    .sections   SectionHeaders
    .symbols    how many symbols it has; .names is their string table
    .marks      of each symbol: DEFINES (for others), USED (by a relocation), SLOT (that needs one), CALLED
    """

    def __init__(self, name, data):
        self.name = name
        self.data = data
        self.sections = []
        self.section_names = b""
        self.symbols = 0
        self.symbols_at = 0
        self.names = b""
        self.marks = b""

    def symbol(self, index):
        """(name at, binding, type, section, value, size) of a symbol."""
        name, info, _, section, value, size = unpack_from("<IBBHqq", self.data, self.symbols_at + 24 * index)
        return name, info >> 4, info & 15, section, value, size

    def refuse(self, error, section, value, text):
        """Raise an error of this object's; `section` is a SectionHeader, a name or ""."""
        if isinstance(section, SectionHeader):
            section = self.name_of(section)
        if type(value) is int:
            value &= (1 << 64) - 1
        raise error(self.name, section, value, text)

    def name_of(self, section):
        """The name of a section, or its number if the name is not to be had."""
        try:
            return section.name or self.text_at(self.section_names, section.name_at, "")
        except BadElf:
            return "section %d" % self.sections.index(section)

    def text_at(self, names, at, section):
        """The text that begins at an offset of a string table."""
        end = names.find(b"\0", at) if at < len(names) else -1
        if end < 0:
            self.refuse(BadElf, section, at, "a name at offset %s is not inside the string table, or has no end")
        try:
            return str(names[at:end], "utf-8")
        except UnicodeError:
            return self.refuse(BadElf, section, at, "a name at offset %s is no text")


def read_sections(name, data):
    """Return the ElfFile of a file's bytes, with its sections. Raises TypeError, or an ObjectError."""
    if type(name) is not str or type(data) not in (bytes, bytearray, memoryview):
        raise TypeError("a name and the bytes of a file expected, not %s" % type(data).__name__)
    file = ElfFile(name, data if type(data) is bytes else bytes(data))
    count, at, names = _check_header(file)
    _read_sections(file, count, at)
    file.section_names = strings(file, names, "")
    _check_places(file, at, count)
    _choose_loaded(file)
    return file


def _check_header(file):
    """Return (number of sections, where their headers are, which has their names)."""
    data = file.data
    if data[:4] != b"\x7fELF":
        file.refuse(BadElf, "", data[:4], "it begins with %s: no ELF file")
    if len(data) < _HEADER_BYTES:
        file.refuse(BadElf, "", len(data), "it ends inside the ELF header, after %s bytes")
    for place, wanted, what in ((4, 2, "class"), (5, 1, "byte order"), (6, 1, "version")):
        if data[place] != wanted:
            file.refuse(UnsupportedElf, "", data[place], what + " %s: a 64-bit, little-endian file expected")
    kind, machine, version, _, _, at, _, _, _, _, entry, count, names = unpack_from("<HHIQQqIHHHHHH", data, 16)
    if kind != _RELOCATABLE:
        file.refuse(UnsupportedElf, "", kind, "type %s: only relocatable objects (0x1, what cc -c makes) are loaded")
    if machine != _X86_64:
        file.refuse(UnsupportedElf, "", machine, "machine %s: x86-64 (0x3e) expected")
    if version != 1:
        file.refuse(UnsupportedElf, "", version, "version %s: 1 expected")
    if not 0 < count < _RESERVED:
        file.refuse(UnsupportedElf, "", count, "%s section headers: from 1 to 0xfeff expected")
    if entry != 64:
        file.refuse(BadElf, "", entry, "section headers of %s bytes: 0x40 expected")
    if not 0 <= at <= len(data) - count * 64:
        file.refuse(BadElf, "", at, "the section headers at %s reach behind the end of the file")
    if names >= count:
        file.refuse(BadElf, "", names, "the section that has the names, %s, does not exist")
    return count, at, names


@micropython.native
def _read_sections(file, count, at):
    data, sections, new = file.data, file.sections, make
    for place in range(at, at + 64 * count, 64):
        name, kind, flags, _, offset, size, link, info, align, entry = unpack_from("<IIqqqqIIqq", data, place)
        section = new(SectionHeader, "name_at", name, "type", kind, "flags", flags, "offset", offset, "size", size)
        section.link = link
        section.info = info
        section.align = align
        section.entry = entry
        sections.append(section)


def strings(file, index, section):
    """The bytes of the string table with an index; its last name has an end."""
    if index >= len(file.sections) or file.sections[index].type != _STRTAB:
        file.refuse(BadElf, section, index, "section %s is no string table")
    strings = file.sections[index]
    if not 0 <= strings.offset <= strings.offset + strings.size <= len(file.data):
        file.refuse(BadElf, section, index, "section %s reaches behind the end of the file")
    names = file.data[strings.offset : strings.offset + strings.size]
    if names[-1:] != b"\0":
        file.refuse(BadElf, section, len(names), "the last name in its string table of %s bytes has no end")
    return names


@micropython.native
def _check_places(file, at, count):
    used = [(0, _HEADER_BYTES, ""), (at, at + 64 * count, "")]
    names, length = len(file.section_names), len(file.data)
    for section in file.sections:
        kind, size = section.type, section.size
        if section.name_at >= names:
            file.refuse(BadElf, section, section.name_at, "its name at offset %s is not inside the string table")
        offset = section.offset
        if kind not in WITHOUT_CONTENTS and not 0 <= offset <= offset + size <= length:
            file.refuse(BadElf, section, size, "its %s bytes reach behind the end of the file")
        if size < 0:
            file.refuse(ObjectTooLarge, section, size, "%s bytes")
        if size and kind not in WITHOUT_CONTENTS:
            used.append((offset, offset + size, section))
    used.sort(key=lambda each: each[0])
    end = 0
    for first, last, section in used:
        if first < end:
            file.refuse(BadElf, section, first, "its place in the file, %s, is another's, too")
        end = last


@micropython.native
def _choose_loaded(file):
    """Mark what will be in memory; refuse what can't be, and what is too much."""
    contents = everything = 0
    for section in file.sections:
        flags, kind = section.flags, section.type
        if flags & _ALLOC == 0 or flags & _EXCLUDE or kind in (_NOTE, _UNWIND):
            continue
        section.name = name = file.text_at(file.section_names, section.name_at, "")
        if name in NOT_LOADED:
            continue
        align, size = section.align, section.size
        if kind in ARRAYS or (size and name in RUN_UNASKED):
            text = "%s: nothing is run when an object is loaded: call it yourself"
            file.refuse(UnsupportedElf, section, ARRAYS.get(kind, name), text)
        if kind not in (_PROGBITS, NOBITS):
            file.refuse(UnsupportedElf, section, kind, "sections of type %s are not loaded")
        if flags & _TLS:
            file.refuse(UnsupportedElf, section, flags, "flags %s: there is no thread-local storage")
        if flags & _COMPRESSED:
            file.refuse(UnsupportedElf, section, flags, "flags %s: compressed sections are not loaded")
        if flags & WRITE and flags & EXECUTE:
            file.refuse(WritableExecutableSection, section, flags, "flags %s: nothing is writable and executable")
        if not 0 <= align <= _PAGE or align & (align - 1):
            file.refuse(UnsupportedElf, section, align, "alignment %s: a power of two up to 0x1000 expected")
        if size > MOST_IN_ALL:
            file.refuse(ObjectTooLarge, section, size, "%%s bytes: at most %#x are loaded" % MOST_IN_ALL)
        if size:
            section.is_loaded = True
            everything += size + align
            if kind != NOBITS:
                contents += size + align
    if contents > MOST_CONTENTS:
        file.refuse(ObjectTooLarge, "", contents, "%%s bytes of contents: at most %#x are loaded" % MOST_CONTENTS)
    if everything > MOST_IN_ALL:
        file.refuse(ObjectTooLarge, "", everything, "%%s bytes: at most %#x are loaded" % MOST_IN_ALL)
