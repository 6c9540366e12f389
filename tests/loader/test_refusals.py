"""Every file that can't be loaded is refused by an error of its own, which names object, section and value."""

import struct

import pytest
from harness import Kernel, QemuGuest
from harness.objects import Edited, compiled
from loader.conftest import PRELUDE

# Everything that an edit needs: two kinds of contents, zeros, relocations, a common symbol, an unused local function.
BASE = """
extern long outside(long) __attribute__((weak));
long start = 3;
char zeros[100];
const char *text(void) { return "some text"; }
long entry(long a) { zeros[a & 63] = 1; return start + (outside ? outside(a) : 0); }
"""
TEXT, DATA, RELA, SYMTAB, STRTAB = ".text", ".data", ".rela.text", ".symtab", ".strtab"


def base():
    return Edited(compiled(BASE, "-mcmodel=kernel", "-fno-pic"))


def pc32(file):
    return file.relocation(RELA, "type", 2).relocation(RELA, "addend", 1 << 31)


HUGE = (1 << 64) - 8
# What: (edit of the base, error, words in its one line).
CASES = {
    "no ELF file": (lambda f: f.bytes_at(0, b"\x7fELG"), "BadElf", "b.o: it begins with"),
    "class": (lambda f: f.header("class", 1), "UnsupportedElf", "b.o: class 0x1"),
    "byte order": (lambda f: f.header("order", 2), "UnsupportedElf", "byte order 0x2"),
    "version": (lambda f: f.header("version", 0), "UnsupportedElf", "version 0x0"),
    "second version": (lambda f: f.header("version2", 2), "UnsupportedElf", "version 0x2"),
    "executable": (lambda f: f.header("type", 2), "UnsupportedElf", "type 0x2"),
    "shared library": (lambda f: f.header("type", 3), "UnsupportedElf", "type 0x3"),
    "machine": (lambda f: f.header("machine", 183), "UnsupportedElf", "machine 0xb7"),
    "no headers": (lambda f: f.header("count", 0), "UnsupportedElf", "0x0 section headers"),
    "too many headers": (lambda f: f.header("count", 0xFF00), "UnsupportedElf", "0xff00 section headers"),
    "headers outside": (lambda f: f.header("at", len(f.data) - 64), "BadElf", "reach behind the end"),
    "headers far outside": (lambda f: f.header("at", HUGE), "BadElf", "0xfffffffffffffff8 reach"),
    "size of a header": (lambda f: f.header("entry", 40), "BadElf", "section headers of 0x28 bytes"),
    "no names": (lambda f: f.header("names", 200), "BadElf", "0xc8, does not exist"),
    "names of no strings": (lambda f: f.header("names", 1), "BadElf", "section 0x1 is no string table"),
    "contents outside": (lambda f: f.section(TEXT, "offset", len(f.data)), "BadElf", ".text: its"),
    "contents far outside": (lambda f: f.section(TEXT, "size", HUGE), "BadElf", ".text: its 0xfffffffffffffff8 bytes"),
    "overlapping": (lambda f: f.section(DATA, "offset", f.offsets[TEXT] + 1), "BadElf", "is another's, too"),
    "over the header": (lambda f: f.section(TEXT, "offset", 0), "BadElf", "is another's, too"),
    "name of a section": (lambda f: f.section(TEXT, "name", 5000), "BadElf", "section 1: its name at offset 0x1388"),
    "a name without end": (lambda f: f.bytes_at(end_of(f, ".shstrtab"), b"x"), "BadElf", "has no end"),
    "a name that is no text": (lambda f: f.bytes_at(f.name_of(TEXT), b"\xff\xfe"), "BadElf", "is no text"),
    "writable text": (lambda f: f.section(TEXT, "flags", 7), "WritableExecutableSection", ".text: flags 0x7"),
    "thread-local": (lambda f: f.section(DATA, "flags", 0x403), "UnsupportedElf", ".data: flags 0x403"),
    "compressed": (lambda f: f.section(DATA, "flags", 0x803), "UnsupportedElf", ".data: flags 0x803: compressed"),
    "alignment of 3": (lambda f: f.section(TEXT, "align", 3), "UnsupportedElf", ".text: alignment 0x3"),
    "alignment of 8 KiB": (lambda f: f.section(TEXT, "align", 8192), "UnsupportedElf", ".text: alignment 0x2000"),
    "alignment below 0": (lambda f: f.section(TEXT, "align", 1 << 63), "UnsupportedElf", "0x8000000000000000"),
    "an unknown type": (lambda f: f.section(DATA, "type", 6), "UnsupportedElf", ".data: sections of type 0x6"),
    "constructors": (lambda f: f.section(DATA, "type", 14), "UnsupportedElf", ".data: SHT_INIT_ARRAY"),
    "destructors": (lambda f: f.section(DATA, "type", 15), "UnsupportedElf", ".data: SHT_FINI_ARRAY"),
    "relocations without addends": (lambda f: f.section(RELA, "type", 9), "UnsupportedElf", ".rela.text: relocations"),
    "too large": (lambda f: f.section(".bss", "size", 1 << 40), "ObjectTooLarge", ".bss: 0x10000000000 bytes"),
    "too large below 0": (lambda f: f.section(".bss", "size", HUGE), "ObjectTooLarge", "0xfffffffffffffff8 bytes"),
    "nothing to load": (
        lambda f: [f.section(s, "flags", 0) for s in f.sections if s[1:5] in LOADED],
        "NothingToLoad",
        "b.o",
    ),
    "two symbol tables": (lambda f: f.section(".comment", "type", 2), "BadElf", "0x2 symbol tables"),
    "size of a symbol": (lambda f: f.section(SYMTAB, "entry", 16), "BadElf", ".symtab: symbols of 0x10 bytes"),
    "strings of symbols": (lambda f: f.section(SYMTAB, "link", 1), "BadElf", ".symtab: section 0x1 is no string table"),
    "name of a symbol": (lambda f: f.symbol("entry", "name", 9999), "BadElf", ".symtab: a name at offset 0x270f"),
    "name of a symbol, at the end": (
        lambda f: f.symbol("entry", "name", f.sizes[".strtab"]),
        "BadElf",
        ".symtab: a name at offset",
    ),
    "section of a symbol": (lambda f: f.symbol("entry", "section", 99), "BadElf", "a symbol's section 0x63 does not"),
    "value of a symbol": (lambda f: f.symbol("entry", "value", 5000), "BadElf", ".text: its symbol entry reaches"),
    "size beyond": (lambda f: f.symbol("entry", "size", HUGE), "BadElf", ".text: its symbol entry reaches"),
    "thread-local symbol": (lambda f: f.symbol("entry", "info", 0x16), "UnsupportedElf", "symbols of the kind 0x16"),
    "indirect function": (lambda f: f.symbol("entry", "info", 0x1A), "UnsupportedElf", "symbols of the kind 0x1a"),
    "unknown binding": (lambda f: f.symbol("entry", "info", 0x42), "UnsupportedElf", "symbols of the kind 0x42"),
    "common alignment": (
        lambda f: f.symbol("entry", "section", 0xFFF2).symbol("entry", "value", 3),
        "BadElf",
        "a common symbol's alignment",
    ),
    "relocated section": (lambda f: f.section(RELA, "info", 99), "BadElf", ".rela.text: it is for section 0x63"),
    "relocated zeros": (lambda f: f.section(RELA, "info", f.sections[".bss"]), "BadElf", "which has no contents"),
    "size of a relocation": (lambda f: f.section(RELA, "entry", 16), "BadElf", ".rela.text: relocations of 0x10"),
    "symbols of relocations": (lambda f: f.section(RELA, "link", 1), "BadElf", ".rela.text: its symbol table"),
    "type of a relocation": (
        lambda f: f.relocation(RELA, "type", 23),
        "UnsupportedElf",
        ".text: relocations of type 23",
    ),
    "large type": (lambda f: f.relocation(RELA, "type", 1 << 31), "UnsupportedElf", "type 2147483648"),
    "symbol of a relocation": (
        lambda f: f.relocation(RELA, "symbol", 999),
        "BadElf",
        ".text: a relocation is about symbol",
    ),
    "relocation outside": (lambda f: f.relocation(RELA, "offset", 4000), "BadElf", ".text: a relocation is for offset"),
    "relocation far outside": (lambda f: f.relocation(RELA, "offset", HUGE), "BadElf", "0xfffffffffffffff8, behind"),
    "overflow of 32S": (lambda f: f.relocation(RELA, "addend", 1 << 40), "RelocationOverflow", ".text: R_X86_64_"),
    "overflow of 32": (lambda f: f.relocation(RELA, "type", 10), "RelocationOverflow", ".text: R_X86_64_32 at offset"),
    "overflow of PC32": (pc32, "RelocationOverflow", ".text: R_X86_64_PC32 at offset"),
    "unresolved": (lambda f: f.symbol("outside", "info", 0x10), "UnresolvedSymbol", ".text: outside, to which offset"),
}
LOADED = ("text", "data", "bss", "roda")


def end_of(file, section):
    """Return the offset of the last byte of a section."""
    size = struct.unpack_from("<Q", file.data, file.at + 64 * file.sections[section] + 32)[0]
    return file.offsets[section] + size - 1


@pytest.fixture(scope="module")
def answers():
    """What the kernel says of each case: {what: (error's class, its line, free frames and pages as before)}."""
    edits = {}
    for what, (edit, _, _) in CASES.items():
        file = base()
        edit(file)
        edits[what] = file.edits
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(60)
        kernel = Kernel(guest, timeout=60)
        kernel.exec(PRELUDE)
        kernel.exec(f"good = {compiled('long good(void) { return 1; }')!r}")
        kernel.exec(f"base, edits, answers = {compiled(BASE, '-mcmodel=kernel', '-fno-pic')!r}, {edits!r}, {{}}")
        kernel.exec("""
            from loader.errors import ObjectError
            objects.load([("b.o", base)])
            objects.unload("b.o")
            for what, changes in edits.items():
                data = bytearray(base)
                for at, new in changes:
                    data[at : at + len(new)] = new
                before = settled()
                try:
                    objects.load([("good.o", good), ("b.o", bytes(data))])
                    error = None
                except Exception as caught:
                    error = caught
                answers[what] = (type(error).__name__, str(error), settled() == before and not objects.loaded(),
                    isinstance(error, ObjectError) and error.object == "b.o" and "\\n" not in str(error))
            """)
        assert kernel.eval("memory.verify().violations") == []
        return kernel.eval("answers")


@pytest.mark.parametrize("what", CASES)
def test_it_is_refused_by_name_and_nothing_stays(answers, what):
    _, error, words = CASES[what]
    kind, line, left_nothing, is_named = answers[what]
    assert (kind, left_nothing, is_named) == (error, True, True), line
    assert words in line


def test_a_file_that_ends_anywhere_is_refused_or_whole(loading):
    loading.exec(f"data, kinds = {compiled(BASE)!r}, {{}}")
    loading.exec("""
        from loader.errors import BadElf, ObjectError
        for end in list(range(0, 80)) + list(range(80, len(data), 61)):
            try:
                objects.load([("b.o", data[:end])])
                kinds["loaded"] = end
            except ObjectError as error:
                kinds[type(error).__name__] = end
        """)
    assert loading.eval("sorted(kinds)") == ["BadElf"]


def test_two_definitions_that_are_not_weak_are_refused_naming_both(loading):
    twice = [(name, compiled("long same(void) { return 1; }")) for name in ("one.o", "two.o")]
    with loading.raises("DuplicateSymbol", match="two.o: .text: same is defined already, in one.o"):
        loading.exec(f"objects.load({twice!r})")
    assert loading.eval("objects.loaded()") == []
    loading.load(dict(twice[:1]))
    with loading.raises("DuplicateSymbol", match="two.o: .text: same is defined already, in one.o"):
        loading.exec(f"objects.load({twice[1:]!r})")
    with loading.raises("AlreadyLoaded", match="one.o: an object of this name is loaded"):
        loading.exec(f"objects.load({twice[:1]!r})")
    with loading.raises("NoSuchObject", match=r"two.o: it is not loaded \(what is: one.o\)"):
        loading.exec("objects.unload('two.o')")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("load([('a.o', 5)])", "a name and the bytes of a file expected, not int"),
        ("load([(5, b'')])", "a name and the bytes of a file expected, not"),
        ("load([('a.o', 'text')])", "a name and the bytes of a file expected, not str"),
        ("load([('a.o',)])", r"each file is \(name, bytes\), not tuple"),
        ("load(['ab'])", r"each file is \(name, bytes\), not str"),
        ("load(5)", r"load\(\): files \(int\) is of a wrong kind"),
        ("replace('one.o', None)", r"each file is \(name, bytes\), not NoneType"),
        ("replace(5, None)", "an object's name is a str, not int"),
        ("unload(5)", "an object's name is a str, not int"),
        ("find(None)", "an object's name is a str, not NoneType"),
    ],
)
def test_what_is_no_file_or_no_name_is_a_mistake_in_the_call(loading, call, words):
    loading.load({"one.o": compiled("long one;")})
    with loading.raises("TypeError", match=words):
        loading.exec(f"objects.{call}")
    assert loading.eval("[each.name for each in objects.loaded()]") == ["one.o"]


def test_32_bit_addresses_are_refused_and_not_cut_off(loading):
    """What Theseus stores as far as it fits: with the code model `small`, an address above 4 GiB."""
    small = compiled("static long a; long *where(void) { return &a; }", "-mcmodel=small", "-fno-pic")
    with loading.raises("RelocationOverflow", match="R_X86_64_32 at offset .* does not fit 32 bits: compile with"):
        loading.load({"small.o": small})


def test_no_room_leaves_nothing(loading):
    """Frames run out in the midst of it: what was mapped before goes back."""
    files = [("a.o", compiled("char big[8 << 20]; long f(void) { return big[5]; }"))]
    loading.exec("""
        taken = []
        room = memory.frame_allocator.statistics().free
        while memory.frame_allocator.statistics().free > 1500:
            taken.append(memory.allocate_frames(min(500, memory.frame_allocator.statistics().free - 1400)))
        pages = memory.page_allocator.statistics().free
        """)
    with loading.raises("OutOfFrames"):
        loading.exec(f"objects.load({files!r})")
    assert loading.eval("pages == memory.page_allocator.statistics().free")
    loading.exec("while taken: taken.pop().drop()")
