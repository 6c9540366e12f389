"""Nothing but one place says how many levels of tables there are: port/hardware/paging.c, out of CR4.LA57.

Python asks there (kernel/memory_structs/mode.py) and computes everything else; the host asks QEMU for CR4
(tests/harness/guest.py), and the tests compute addresses in one place (tests/harness/depth.py). Whoever writes 4 for
the root, 27 for the shift of its entries, 48 for the bits of an address, or the edges of the hole between the halves,
is wrong as soon as there are five levels.
"""

import ast
import re

import machine
import pytest

ROOT = machine.ROOT

# By which page numbers and addresses are shifted for the root's index, a half, or all of the address space.
SHIFTS = {27, 35, 36, 39, 47, 48, 56, 57}
SIZES = {(1 << shift) - n for shift in (39, 47, 48, 56, 57) for n in (0, 1)}
LEVELS = {4, 5}
# Functions that take a level.
TAKES_A_LEVEL = re.compile("level|index_at|parent_flags", re.IGNORECASE)

# (file, what it says): why it may.
EXCEPTIONS = {
    ("kernel/memory_structs/mode.py", "LEVELS = 4 if cpu is None else cpu.paging_levels()"): "a host can't be asked",
    ("kernel/memory_structs/addresses.py", "self.index_at(4)"): "P4 is level 4 in either mode",
    ("kernel/memory_structs/chunks.py", "self.index_at(4)"): "P4 is level 4 in either mode",
    ("kernel/memory_structs/addresses.py", "self.index_at(5)"): "P5 is level 5, where there is one",
    ("kernel/memory_structs/chunks.py", "self.index_at(5)"): "P5 is level 5, where there is one",
    ("kernel/paging/mapper.py", "self.set_parent_flags(page, 4, flags)"): "P4 is level 4 in either mode",
    ("kernel/memory/views/layouts.py", "value >> 27"): "a layout of uctypes",
    ("kernel/diagnostics/descriptors.py", "low >> 47"): "the parts of a gate",
    ("kernel/diagnostics/descriptors.py", "low >> 48"): "the parts of a gate",
    ("tools/machine.py", "FOUR_LEVELS = 4"): "what a machine has unless it is asked for five",
    ("port/faults/probe_tables.h", "LEVELS 4"): "a case of the probe is four entries, to its judge as well",
    ("port/hardware/paging.c", "? 5 : 4"): "the one place",
    ("port/hardware/paging.h", "LEVELS_MAX 5"): "room for the entries of one walk",
    ("port/hardware/descriptors.h", "<< 48"): "the parts of a gate",
    ("port/hardware/cpu.c", "<< 56"): "the parts of a descriptor",
    ("port/runtime/heap.c", ">> 56"): "the sum of a word's bytes",
}

IN_C = re.compile(
    r"(?:<<|>>)=?\s*\(?(?:27|35|36|39|47|48|56|57)\b"
    r"|\blevels?\w*\s*(?:[=!<>]=|[=<>])\s*[45]\b|\b[45]\s*[-<>]=?\s*\w*level|LEVELS?\w*\s+=?\s*[45]\b|\? [45] : [45]\b",
    re.IGNORECASE,
)
LITERAL = re.compile("0x[0-9a-f]+", re.IGNORECASE)
COMMENTS_AND_STRINGS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)


def is_level(node):
    """Answer whether an expression's name says that it is a level."""
    name = getattr(node, "id", getattr(node, "attr", ""))
    return "level" in name.lower()


def is_constant(node, numbers):
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value in numbers


def is_edge(number):
    """Answer whether a number is the size of the address space or its half, or where an upper root entry begins."""
    page, address = number >> 36 == 0xFFFF, number >> 48 == 0xFFFF
    return number in SIZES or (page and number % (1 << 27) == 0) or (address and number % (1 << 39) == 0)


def concerning_levels(node):
    """Return the parts of an expression or statement that are levels, or numbers of them."""
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Compare):
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.Assign):
        parts = [*node.targets, node.value, getattr(node.value, "body", None), getattr(node.value, "orelse", None)]
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        concerns = TAKES_A_LEVEL.search(name) or any("level" in str(text).lower() for text in texts)
        return node.args[:2] if name == "range" else node.args if concerns else []
    elif isinstance(node, ast.arguments):
        named = zip(node.args[::-1], node.defaults[::-1], strict=False)
        return [default for argument, default in named if "level" in argument.arg]
    else:
        return []
    return parts if any(map(is_level, parts)) else []


def says_levels(node):
    """Answer whether a node of a Python file holds only for one number of levels."""
    if isinstance(node, ast.Constant):
        return type(node.value) is int and is_edge(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift | ast.RShift):
        return is_constant(node.right, SHIFTS)
    return any(is_constant(part, LEVELS) for part in concerning_levels(node))


def found_in_python(text):
    """Return what a Python file says that holds only for one number of levels."""
    return [ast.unparse(node) for node in ast.walk(ast.parse(text)) if says_levels(node)]


def found_in_c(text):
    """The same for C and assembly; comments and strings say what they like."""
    code = COMMENTS_AND_STRINGS.sub("", text)
    return IN_C.findall(code) + [literal for literal in LITERAL.findall(code) if is_edge(int(literal, 16))]


def sources():
    """Return {path: text} of all that could say it."""
    folders = {"kernel": ("*.py",), "port": ("*.c", "*.h", "*.S"), "boot": ("*.c", "*.h", "*.S", "*.ld")}
    folders |= {"tools": ("*.py",), "tests/oracle": ("*.py",)}
    paths = [path for folder, kinds in folders.items() for kind in kinds for path in (ROOT / folder).rglob(kind)]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def test_only_one_place_says_how_many_levels_there_are():
    found = {
        (path, what)
        for path, text in sources().items()
        for what in (found_in_python if path.endswith(".py") else found_in_c)(text)
    }
    assert found - set(EXCEPTIONS) == set(), "compute it from memory_structs.mode, or in C from paging_levels()"
    assert set(EXCEPTIONS) - found == set(), "no exception is needed any more"


@pytest.mark.parametrize(
    "code",
    [
        "first = index << 27",
        "limit = 1 << 35",
        "page &= (1 << 36) - 1",
        "page = address >> 39 & 511",
        "hole = 0x8000_0000_0000",
        "last = 0x7FFFFFFFFFFF",
        "page |= 0xFFFF000000000",
        "address = 0xFFFF_8000_0000_0000",
        "pool = 0xFFFFC00000000",
        "x = table.level == 4",
        "x = 1 < level < 4",
        "entry = walk[4 - level]",
        "for level in range(4, 0, -1): pass",
        "rows = [0 for _ in range(4)]",
        "levels = 4",
        "LEVELS = 5 if la57 else 4",
        "def walk(table, levels=4): pass",
        'Argument("level", LEVEL, 4)',
        'LEVEL = NumberKind("LEVEL", 1, 4)',
    ],
)
def test_a_constant_in_python_is_found(code):
    assert found_in_python(code)


@pytest.mark.parametrize(
    "code",
    [
        "index = address >> 39 & 511;",
        "page <<= 27;",
        "for (unsigned level = 4; level > 0; level--) {",
        "if (level == 4) {",
        "if (level >= 4) {",
        "way[4 - level]",
        "#define PROBE_LEVELS 4",
        "#define ROOT_LEVEL  4",
        "enum { LEVELS = 4 };",
        "uint64_t hole = 0x0000800000000000UL;",
        "#define WINDOW_BASE UL(0xffff800000000000)",
        "levels = cr4 & CR4_LA57 ? 5 : 4;",
    ],
)
def test_a_constant_in_c_is_found(code):
    assert found_in_c(code)


@pytest.mark.parametrize("code", ["x = level > 3", "x = 1 << 12", "x = level - 1", "x = page >> 9 * level", "n = 4"])
def test_what_holds_for_any_number_of_levels_is_not_found(code):
    assert not found_in_python(code)
    assert not found_in_c(code)
