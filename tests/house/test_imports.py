"""Imports in kernel/ point down and never in a circle; natives have one importer; few may print."""

import ast
import graphlib
import re

import machine
import pytest

ROOT = machine.ROOT
KERNEL = ROOT / "kernel"
PACKAGES_FROM_THE_TOP = (
    "main",
    "shell",
    ("diagnostics", "examples"),
    "litmus",
    "processors",
    ("loader", "devices"),
    "replacement",
    "faults",
    "memory",
    "paging",
    "memory_structs",
)


def kernel_imports():
    """Yield (file, name of its room, name of an imported room) for every import in kernel/."""
    for path in KERNEL.rglob("*.py"):
        room = path.relative_to(KERNEL).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""] if node.level == 0 else []
            else:
                continue
            for name in names:
                yield path, room, name.split(".")[0]


def height(room):
    """Return how far from the top a room is; None for what is not one of ours."""
    for depth, floor in enumerate(PACKAGES_FROM_THE_TOP):
        if room == floor or (room in floor and isinstance(floor, tuple)):
            return depth
    return None


def test_imports_point_down():
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for path, room, imported in kernel_imports()
        if height(imported) is not None
        and room != imported
        and height(imported) <= (height(room) or 0)
        and room != "main"
    ]
    assert wrong == []


def test_every_native_module_has_one_importing_module():
    importers = {}
    for path, _, imported in kernel_imports():
        if imported.startswith("_"):
            importers.setdefault(imported, set()).add(str(path.relative_to(ROOT)))
    assert {native: sorted(files) for native, files in importers.items() if len(files) > 1} == {}


def test_only_shell_diagnostics_and_main_print():
    for path in KERNEL.rglob("*.py"):
        room = path.relative_to(KERNEL).parts[0].removesuffix(".py")
        calls = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
        assert not calls or room in ("shell", "diagnostics", "main", "examples"), f"{path}: print at lines {calls}"


# --- no circle among the files, relative imports included ---

FILES = {
    ".".join(path.relative_to(KERNEL).with_suffix("").parts).removesuffix(".__init__"): path
    for path in KERNEL.rglob("*.py")
}
# A function may import what imports its file, when the line says why that is.
SAYS_WHY = re.compile(r"# noqa: PLC0415 \(\w.{10,}\)")


def packages_of(name):
    """Return the packages that a module lies in, outermost first: a.b.c is in a and a.b."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def names_in(statement, package):
    """Yield the full names in an import statement of a package's file: of `from a import b`, a.b if that is a file."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    above = package.split(".")[: len(package.split(".")) + 1 - statement.level] if statement.level else []
    base = ".".join([*above, *filter(None, [statement.module])])
    for alias in statement.names:
        name = f"{base}.{alias.name}"
        yield name if name in FILES else base


def imported_files(name, source):
    """Yield the files that must be there before this one: what it names, and their packages but for its own."""
    package = name if FILES[name].name == "__init__.py" else name.rpartition(".")[0]
    tree, lines = ast.parse(source), source.splitlines()
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    late = {id(inner) for function in functions for inner in ast.walk(function)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if id(node) in late and SAYS_WHY.search(lines[node.lineno - 1]):
            continue
        for imported in names_in(node, package):
            own = {name, *packages_of(name), package}
            yield from (file for file in (*packages_of(imported), imported) if file in FILES and file not in own)
            if imported in own and imported in FILES and isinstance(node, ast.ImportFrom):
                yield imported  # a name out of a package that is still being imported


def circle(graph):
    """Return a circle of a graph as text, "" if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return " < ".join(error.args[1])
    return ""


def test_no_file_of_the_kernel_imports_itself_by_way_of_others():
    assert circle({name: set(imported_files(name, path.read_text())) for name, path in FILES.items()}) == ""


@pytest.fixture
def two_rooms(monkeypatch):
    """Instead of the kernel's files: a.x and a.y in a package, and b."""
    names = {"a": "a/__init__.py", "a.x": "a/x.py", "a.y": "a/y.py", "b": "b.py"}
    monkeypatch.setitem(globals(), "FILES", {name: KERNEL / path for name, path in names.items()})


@pytest.mark.parametrize(
    ("name", "code", "imported"),
    [
        ("a.x", "from . import y", {"a.y"}),
        ("a.x", "from .y import NONE", {"a.y"}),
        ("a.x", "from ..b import Page", {"b"}),
        ("a.x", "from . import something", {"a"}),
        ("a.x", "from a import something", {"a"}),
        ("a", "from .x import something", {"a.x"}),
        ("a", "from . import x", {"a.x"}),
        ("b", "import a.y", {"a", "a.y"}),
        ("b", "from a import x, something", {"a", "a.x"}),
        ("a.x", "def late():\n    from . import y", {"a.y"}),
        ("a.x", "def late():\n    from . import y  # noqa: PLC0415", {"a.y"}),
        ("a.x", "def late():\n    from . import y  # noqa: PLC0415 (complete only later)", set()),
    ],
)
@pytest.mark.usefixtures("two_rooms")
def test_every_way_to_import_is_seen_but_in_a_function_that_says_why(name, code, imported):
    assert set(imported_files(name, code)) == imported
