"""`help` at the prompt says of public names what the reference says: the docstrings, as the sources have them."""

import re
import zlib

import help_texts
import pytest
import surface
from harness.transcripts import squeezed


def words(text):
    """Return a text's words, wherever its lines end."""
    return text.split()


def entry_of(page, name):
    """Return the Entry of a name of the surface."""
    _, entries = next(found for found in surface.surface() if found[0].page == page)
    return next(each for entry in entries for each in (entry, *entry.members) if each.name == name)


def test_the_image_has_the_texts_of_the_sources_whole(kernel):
    packed = {}
    exec(help_texts.packed(), packed)
    kernel.exec("import help_texts, binascii")
    found = kernel.eval("(len(help_texts.TEXTS), binascii.crc32(help_texts.TEXTS))")
    assert found == (len(packed["TEXTS"]), zlib.crc32(packed["TEXTS"])), "make build/kernel.elf"
    assert len(packed["TEXTS"]) <= 150 * 1024


def test_every_public_name_with_a_docstring_is_packed():
    packed = "".join(help_texts.records())
    for page, entries in surface.surface():
        for each in [page, *(each for entry in entries for each in (entry, *entry.members))]:
            assert f"{each.page}:{each.name}" in packed
            assert each.text in packed


@pytest.mark.parametrize(
    ("page", "name", "ways"),
    [
        ("memory", "create_mapping", ("help create_mapping", "help(create_mapping)", "? memory.create_mapping")),
        ("memory", "MappedPages.remap", ("help MappedPages.remap", "help(m.remap)", "a = help(m.remap); a")),
        ("faults", "PageFault", ("help PageFault", "help faults.PageFault")),
    ],
)
def test_help_prints_the_docstring_however_it_is_asked(console, page, name, ways):
    entry = entry_of(page, name)
    for is_imported in False, True:
        if is_imported:
            console.command("from memory import *; m = create_mapping(4096, PteFlags())")
        for way in ways if is_imported else ways[:1]:
            said = console.command(way)
            assert said.startswith(f"{entry.signature}\nfrom {page}\n")
            assert words(said)[: len(words(entry.signature)) + 2 + len(words(entry.text))] == words(
                f"{entry.signature} from {page} {entry.text}"
            )
            assert all(len(line) <= 80 for line in said.split("\n"))


def test_a_class_says_what_it_can_be_asked_inherited_or_not(console):
    said = console.command("help MappedPages")
    listed = set(words(said.partition("can be asked:")[2]))
    assert listed == {member.name.split(".")[1] for member in entry_of("memory", "MappedPages").members}
    assert {"remap", "as_slice"} <= listed


def test_what_is_laid_out_by_hand_stays_so(console):
    said = console.command("help memory")
    assert re.search(r"^    runs +free runs of numbers$", said, re.MULTILINE)
    assert squeezed(said).startswith("memory\n\nThe Theseus layer")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "help create_maping",
            "UsageError: there is no command and no name create_maping: did you mean create_mapping?\n",
        ),
        (
            "help MappedPages.rmap",
            "UsageError: there is no command and no name MappedPages.rmap: did you mean MappedPages.remap?\n",
        ),
        ("help xyzzyxyzzy", "UsageError: there is no command and no name xyzzyxyzzy\n"),
    ],
)
def test_what_nobody_knows_gets_the_nearest(console, typed, said):
    assert console.command(typed) == said


def test_a_name_of_several_things_lists_them(console):
    said = console.command("help drop")
    assert said.startswith("several things are called drop; help NAME tells about one:\n")
    assert {"MappedPages.drop", "Stack.drop"} <= set(words(said))
    assert "Unmap, and give pages and frames back" in console.command("help MappedPages.drop")


def test_a_name_of_ones_own_comes_before_the_reference(console):
    console.command("create_mapping = 5")
    assert console.command("help create_mapping").startswith("int: 5\n")
    console.command("remap = lambda: 0")
    assert console.command("help remap").startswith("function: <function <lambda> at ")


ASKED = {
    "help(PteFlags().writable)": "PteFlags.writable(on)\nfrom memory or paging\n",
    "help(Page.containing_address)": "Page.containing_address(address, size=Page4K)\nfrom memory or memory_structs\n",
    "help(MappedPages.flags)": "MappedPages.flags\n\nthe rights it was mapped with, as PteFlags",
    "help m.flags": "MappedPages.flags\n\nthe rights it was mapped with, as PteFlags",
    "help memory": "memory\n\nThe Theseus layer",
    "help PAGE_SIZE": "PAGE_SIZE\nfrom memory or memory_structs or paging\n\nnow: 4096\n",
    "help(walk)": "walk ADDRESS\n\nThe way of an address",
    "help 'walk'": "walk ADDRESS\n\nThe way of an address",
    "help(cpu.invlpg)": "_cpu.invlpg is a native function: port/typings/_cpu.pyi has its contract\n",
    "help(m)": "MappedPages, a kind of Viewable: MappedPages(v0x",
    "help print": "a function that is made in C, and has no text here\n",
    "help(m.rmap)": "UsageError: there is no command and no name m.rmap: did you mean m.remap?\n",
    "help memroy": "UsageError: there is no command and no name memroy: did you mean memory?\n",
}


def test_whatever_is_asked_is_answered_about_that_in_80_columns(console):
    console.command("import memory; from memory import *; from paging.natives import cpu")
    console.command("m = create_mapping(4096, PteFlags())")
    for asked, begins in ASKED.items():
        said = console.command(asked)
        assert said.startswith(begins), asked
        assert all(len(line) <= 80 for line in said.split("\n")), asked


NAMES = """
from shell.reference import Article, all_names
wide, silent = [], []
for start, names in all_names():
    for name in names:
        page, short = name.split(":")
        said = list(Article(start, short).lines(80))
        if any([len(line) > 80 for line in said]): wide.append(name)
        if not said[0].startswith(short or page): silent.append(name)
print((wide, silent))
"""


def test_every_public_name_is_answered_by_its_own_name_in_80_columns(kernel):
    assert kernel.exec(NAMES, timeout=60).strip() == "([], [])"


def test_texts_that_are_too_large_are_refused(monkeypatch):
    monkeypatch.setattr(help_texts, "MAXIMUM_BYTES", 1000)
    with pytest.raises(ValueError, match=r"^the texts of help are \d+ bytes, and may be 1000$"):
        help_texts.packed()


def test_a_name_that_is_nowhere_is_refused(monkeypatch):
    monkeypatch.setattr(surface, "public_names", lambda page: ["no_such_thing"])
    with pytest.raises(surface.NoSuchName, match=r"^memory has no no_such_thing$"):
        surface.surface()


def test_no_public_docstring_sends_the_reader_to_a_file_that_they_do_not_see():
    for _, entries in surface.surface():
        for each in (each for entry in entries for each in (entry, *entry.members)):
            assert "head of this file" not in each.text, each.name
