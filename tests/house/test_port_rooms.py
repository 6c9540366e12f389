"""What lies where in port/: its rooms, one home for the bits of paging, and few files that know that tables nest."""

import re

import machine
import pytest

PORT = machine.ROOT / "port"
ROOMS = {"boot", "console", "faults", "hardware", "ledger", "processors", "quick", "runtime", "testing", "views"}

KNOW_THAT_TABLES_NEST = {"boot/tables.c", "faults/walk.c", "faults/probe_tables.c"}
"""The boot's static tables, the walk of a fault and of a panic, the probe. Each says why at its top."""

HOMES = {"hardware/paging.h", "hardware/paging_walk.h", "hardware/registers.h"}

DEFINES_A_BIT = re.compile(
    r"^(?:#define|.*\bconst \w+|.*\benum \{)\s+(?:ENTRY|PTE|PAGE|CR[0-9]|EFER|MSR_EFER|WORD)?_?"
    r"(?:PRESENT|WRITABLE|USER|ACCESSED|DIRTY|HUGE\w*|PAT\w*|GLOBAL|NO_EXECUTE|NX|NXE|FRAME\w*|ADDRESS|EXCLUSIVE"
    r"|PE|MP|WP|NW|CD|PG|PAE|PGE|LA57|PCIDE|SMEP|SMAP|PKE|PKS|EFER|LEVELS)\s+=?\s*\(?[\w( ]*(?:<<|0x|\d)",
    re.MULTILINE,
)
FRAME_MASK = re.compile(r"0x0*f{10}000", re.IGNORECASE)
SHIFT_OF_A_LEVEL = re.compile(r"(?:<<|>>)=?\s*\(?(?:18|21|27|30|36|39|47|48|57)\b|\b9 ?\* ?\(*\w*level")
NO_ADDRESS = {
    "hardware/descriptors.h": "(address >> 16 & 0xffff) << 48",  # the parts of a gate
    "runtime/mphal.c": "tm_mon << 21",  # FAT's time stamp
    "runtime/modos.c": "features_1_ecx >> 30",  # CPUID
}


def sources(*endings):
    """Return {path below port/: text} of the rooms and of what lies on top."""
    found = [path for ending in endings for path in PORT.rglob(f"*.{ending}")]
    return {str(path.relative_to(PORT)): path.read_text() for path in found}


def code(text):
    """Return C without its comments and strings."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', "", text, flags=re.DOTALL)


C = sources("c", "h", "S")


def includes(text):
    """Return the port's own headers that a file includes, as paths below port/."""
    return set(re.findall(r'^#include "port/([^"]+)"', text, re.MULTILINE))


def reached_from(path):
    """Return all headers that a file includes, or that these include."""
    direct = includes(C.get(path, ""))
    return direct.union(*(reached_from(header) for header in direct))


def test_the_rooms_are_known_and_nothing_but_the_port_itself_lies_on_top():
    rooms = {path.split("/")[0] for path in C if "/" in path}
    assert rooms == ROOMS
    assert {path for path in C if "/" not in path} == {"main.c", "mpconfigport.h", "mphalport.h", "qstrdefsport.h"}


@pytest.mark.parametrize("path", sorted(C))
def test_only_who_must_knows_that_tables_nest(path):
    knows = "hardware/paging_walk.h" in reached_from(path)
    assert knows == (path in KNOW_THAT_TABLES_NEST)
    if knows:
        assert re.search("^// Tables nest here because ", C[path], re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(C) - HOMES))
def test_a_paging_bit_is_defined_in_its_home_only(path):
    text = code(C[path])
    assert not DEFINES_A_BIT.search(text)
    assert not FRAME_MASK.search(text)


@pytest.mark.parametrize("path", sorted(set(C) - HOMES))
def test_nobody_else_takes_an_address_apart_by_levels(path):
    text = code(C[path])
    if path in NO_ADDRESS:
        assert NO_ADDRESS[path] in text, "no exception is needed any more"
        text = text.replace(NO_ADDRESS[path], "")
    assert not SHIFT_OF_A_LEVEL.search(text)


def test_every_header_of_the_port_is_named_by_its_path():
    for path, text in C.items():
        others = set(re.findall(r'^#include "([^"]+)"', text, re.MULTILINE))
        named = {name for name in others if (PORT / path).parent.joinpath(name).exists() or (PORT / name).exists()}
        assert not named, path


def test_a_native_module_lies_in_the_room_of_its_c():
    natives = {path.rpartition("/")[2][:-2] for path in C if path.rpartition("/")[2].startswith("_")}
    registered = {name for text in C.values() for name in re.findall(r"^NATIVE_MODULE\((\w+),", text, re.MULTILINE)}
    assert {f"_{name}" for name in registered} == natives


# What may hold logic: the native modules, the ledger, the views, the handlers of faults, the probe's loop.
MAY_HOLD_LOGIC = [
    path for path in sorted(C) if re.match(r"(ledger|views)/.*\.c|\w+/_|faults/(handlers|probe_cases)\.c", path)
]


@pytest.mark.parametrize("path", MAY_HOLD_LOGIC)
def test_what_python_could_decide_says_why_it_is_c(path):
    head = C[path].partition("#include")[0]
    assert re.search("^// In C because .{20}", head, re.MULTILINE)


# What Python can call, with all that only that stands on.
NATIVE_PATH = re.compile(r"((ledger|views)/|\w+/_|\w+/natives|\w+/(probe|trap_exceptions|inject)).*\.[ch]")
NATIVE_LINES_MAX = 4_756
"""150 are for devices: they notice the widths of accesses, and interrupt where no Python can run. Another 240 are for
the other processors: a mailbox for one that runs no Python, and waits that pause. 28 have the probe's tables follow the
depth; 39 let a map of all frames say once what is alike for 128 MiB of them, and tell how large the first heap is. 249
are for protection keys and SMAP: a store opens what guards it, and closes it again, in the instructions around it, or
nobody would see it closed."""


def test_what_python_can_call_does_not_grow():
    native = {path: text.count("\n") for path, text in C.items() if NATIVE_PATH.fullmatch(path)}
    assert native.keys() >= {"views/slice.c", "faults/probe_cases.c", "hardware/_cpu.c", "runtime/natives.h"}
    assert sum(native.values()) <= NATIVE_LINES_MAX
