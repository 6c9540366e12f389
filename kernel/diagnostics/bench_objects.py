"""Bench rows of object files: two of 4 KB, made here, that need each other by 24 relocations and define 28 symbols."""

from struct import pack

from loader import objects

from diagnostics.bench import undo

TIMES_PREPARED = 12
FUNCTIONS, RELOCATIONS = 13, 12
PLT32 = 4
ROUNDS = 20
ADD3 = b"\x48\x8d\x04\x37\x48\x01\xd0\xc3"  # lea rax,[rdi+rsi]; add rax,rdx; ret
TEXT_BYTES = 1900
# (name, type, flags, alignment, size of an entry, what sh_link and sh_info are)
SECTIONS = (
    ("", 0, 0, 0, 0, 0, 0),
    (".text", 1, 6, 16, 0, 0, 0),
    (".rela.text", 4, 0x40, 8, 24, 6, 1),
    (".data", 1, 3, 8, 0, 0, 0),
    (".bss", 8, 3, 16, 0, 0, 0),
    (".rodata", 1, 2, 8, 0, 0, 0),
    (".symtab", 2, 0, 8, 24, 7, 2),
    (".strtab", 3, 0, 1, 0, 0, 0),
    (".shstrtab", 3, 0, 1, 0, 0, 0),
)


def object_file(own, others):
    """Return the bytes of an object: functions own0, own1, ..., the last of which calls others0, others1, ..."""
    strings, symbols = b"\0", bytes(24) + pack("<IBBHQQ", 0, 3, 0, 1, 0, 0)
    for name, section in ((own, 1), (others, 0)):
        for number in range(FUNCTIONS if section else RELOCATIONS):
            info = 0x12 if section else 0x10
            symbols += pack("<IBBHQQ", len(strings), info, 0, section, 16 * number if section else 0, 8 * (section > 0))
            strings += b"%s%d\0" % (name, number)
    text = bytearray(TEXT_BYTES)
    for number in range(FUNCTIONS):
        text[16 * number : 16 * number + len(ADD3)] = ADD3
    first = 2 + FUNCTIONS
    places = [16 * FUNCTIONS + 5 * number + 1 for number in range(RELOCATIONS)]
    relocations = b"".join([pack("<QIIq", place, PLT32, first + number, -4) for number, place in enumerate(places)])
    names = b"\0".join([each[0].encode() for each in SECTIONS]) + b"\0"
    contents = (b"", bytes(text), relocations, bytes(64), b"", bytes(200), symbols, strings, names)
    offset, body, headers, name_at = 64, b"", b"", 0
    for place, (name, kind, flags, align, entry, link, info) in enumerate(SECTIONS):
        data = contents[place]
        size = 256 if name == ".bss" else len(data)
        headers += pack("<IIQQQQIIQQ", name_at, kind, flags, 0, offset, size, link, info, align, entry)
        offset, body, name_at = offset + len(data), body + data, name_at + len(name) + 1
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, offset, 0, 64, 0, 0, 64, len(SECTIONS), len(SECTIONS) - 1)
    return header + body + headers


FILES = [("one.o", object_file(b"one", b"two")), ("two.o", object_file(b"two", b"one"))]


def spaces(is_loaded):
    """Return namespaces, with both objects in each if `is_loaded`; all is unloaded when the row is over."""
    made = [objects.Namespace("bench", objects.KERNEL) for _ in range(TIMES_PREPARED)]
    for space in made:
        undo(lambda space: objects.unload(*space.objects, namespace=space), space)
        if is_loaded:
            objects.load(FILES, space)
    return list(made)


def load():
    left = spaces(False)
    return lambda: objects.load(FILES, left.pop())


def replace():
    left, new = spaces(True), ("new.o", FILES[0][1])
    return lambda: objects.replace("one.o", new, None, left.pop())


def unload():
    left = spaces(True)
    return lambda: objects.unload("one.o", "two.o", namespace=left.pop())


def call():
    space = spaces(True)[0]
    function = objects.symbol("one0", space).as_func("q(qqq)")
    undo(function.release)

    def act(add3=function):
        for _ in range(ROUNDS):
            add3(1, 2, 39)
            add3(1, 2, 39)
            add3(1, 2, 39)
            add3(1, 2, 39)
            add3(1, 2, 39)

    return act


ROWS = (
    ("objects: load two of 4 KB with 24 relocations", load, 1),
    ("objects: replace one of them", replace, 1),
    ("objects: unload both", unload, 1),
    ("objects: call a function of three integers", call, 5 * ROUNDS),
)
