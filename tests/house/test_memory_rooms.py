"""How kernel/memory is built: floors that stand on each other, one layout for a tree of runs, and a face of names."""

import ast

import machine
import pytest

MEMORY = machine.ROOT / "kernel" / "memory"
ROOMS_FROM_THE_TOP = "system", "mappings", "views", "ledger", "allocators", "runs"


def room_of(path):
    """Return the name of the room that a file is in, or its own if it is in none."""
    return path.relative_to(MEMORY).parts[0].removesuffix(".py")


def rooms_imported_by(path):
    """Yield the rooms of kernel/memory that a file needs to be imported, itself not."""
    depth = len(path.relative_to(MEMORY).parts)
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            yield from [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]


def test_rooms_import_what_is_below_them():
    height = {room: number for number, room in enumerate(reversed(ROOMS_FROM_THE_TOP))}
    wrong = [
        f"{path.relative_to(MEMORY)} imports {imported}"
        for path in MEMORY.rglob("*.py")
        for imported in rooms_imported_by(path)
        if height.get(room_of(path), 99) <= height.get(imported, -1)
    ]
    assert wrong == []


def constants_of(path):
    """Yield (name without underscore, value) of a file's constants; MicroPython sees one only in its own file."""
    for node in ast.parse(path.read_text()).body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign) and isinstance(value, ast.Call) and getattr(value.func, "id", "") == "const":
            yield node.targets[0].id.lstrip("_"), eval(ast.unparse(value.args[0]))


@pytest.mark.parametrize("room", ["runs", "allocators"])
def test_a_constant_that_is_repeated_is_the_same_in_all_files_of_its_room(room):
    values = {}
    for path in sorted((MEMORY / room).glob("*.py")):
        for name, value in constants_of(path):
            values.setdefault(name, set()).add(value)
    assert len(values) > 3
    assert {name: found for name, found in values.items() if len(found) > 1} == {}


def test_import_star_brings_the_face_and_no_module(kernel):
    brought, face = kernel.eval("""[sorted(names) for names in (
        (lambda bound: exec("from memory import *", bound) or bound)({"__name__": "nobody"}).keys(),
        __import__("memory").__all__ + ("__name__",),
    )]""")
    assert brought == face


def test_the_face_leads_to_both_allocators_and_to_the_rooms(kernel):
    kernel.exec("import memory")
    for expression in ("memory.frame_allocator.pool", "memory.page_allocator.pool", "memory.runs.take"):
        assert kernel.eval(f"{expression} is not None")
    with kernel.raises("AttributeError", match="module 'memory' has no attribute 'nonsense'"):
        kernel.exec("memory.nonsense")
