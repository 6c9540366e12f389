"""Commands about page tables: one address, one table, or all translations."""

from diagnostics.dump import FILTERS, STYLES, Translations
from diagnostics.places import extent_of
from diagnostics.text import Lines
from diagnostics.walks import Entries, Translation, WalkView
from memory_structs import VirtualAddress
from memory_structs.mode import LEVELS
from paging import tlb

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import ADDRESS, PHYSICAL, PLACE, NumberKind, WordKind, WordOrPlaceKind

LEVEL = NumberKind("LEVEL", 1, LEVELS)


@command(
    "walk",
    "The way of an address through the tables, with the rights left.",
    Argument("address", ADDRESS),
    details=(
        "walk 0xffffffff80109000",
        "walk p0xb8000     where the physical window shows it",
        "walk m            whatever has an address: a mapping, a page, a frame, a range, an entry, a fault",
    ),
)
def walk(address):
    return WalkView(address)


@command("translate", "Where an address leads, in one line.", Argument("address", ADDRESS))
def translate(address):
    return Translation(address)


@command(
    "entries",
    "The entries in use in one table: at LEVEL (%d: root) towards ADDRESS." % LEVELS,
    Argument("address", ADDRESS, VirtualAddress(0)),
    Argument("level", LEVEL, LEVELS),
    details=("entries                          the root", "entries 0xffffffff80109000 1     one level-1 table"),
)
def entries(address, level):
    return Entries(address, level)


@command(
    "dump",
    "All translations: runs of pages with their rights over all levels.",
    Argument("filter", WordOrPlaceKind("FILTER", FILTERS), (), repeated=True),
    Argument("style", WordKind("STYLE", STYLES), "ptdump", by_name=True),
    Argument("first", PLACE, None, by_name=True),
    Argument("last", PLACE, None, by_name=True),
    Argument("alias", PHYSICAL, None, by_name=True),
    details=(
        "dump m                   a mapping, or the page of an address, or whatever has one",
        "dump w x                 what is writable and executable",
        "dump user                what ring 3 can reach; huge: 2 MiB and 1 GiB pages",
        "dump alias=p0x109000     every address that leads to this physical one",
        "dump style=qemu          as QEMU's `info tlb`; style=json for programs",
        "dump first=0xffffffff80000000 last=0xffffffffffffffff",
    ),
)
def dump(filters, style, first, last, alias):
    words = [each for each in filters if isinstance(each, str)]
    for place in filters:
        if not isinstance(place, str):
            if first is not None or last is not None:
                raise UsageError("one place at a time, and then neither first= nor last=")
            first = last = place
    if first is not None:
        first = extent_of(first)[0].value
    if last is not None:
        last = extent_of(last)[1].value
    return Translations(words, style, first, last, None if alias is None else alias.value)


@command(
    "flush",
    "Have the TLB forget the page of an address, or everything.",
    Argument("address", ADDRESS, None),
    details=("flush                     all translations, GLOBAL ones too", "flush 0xffffffff80109000   one page"),
)
def flush(address):
    if address is None:
        tlb.flush_all()
        return Lines(("the TLB has forgotten everything",))
    tlb.flush(address)
    return Lines(("the TLB has forgotten the page of %s" % address,))


@command(
    "stale",
    "Whether the TLB answers for an address what the tables say.",
    Argument("address", ADDRESS),
    details=(
        "Nothing that lies there is changed. Poke an entry, see what is stale, then flush it.",
        "Other CPUs that are attached and asleep are asked, too: `cpus` shows which are.",
    ),
)
def stale(address):
    from diagnostics.stale import Stale  # noqa: PLC0415 (the boot needs no probe)

    return Stale(address)
