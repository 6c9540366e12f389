"""The public surface of the kernel, read from its sources without running them: names, signatures, docstrings.

The reference of the book and `help` at the prompt both have their text from here, so it is the same. A page of the
surface is a module that users import from; what it names may lie anywhere in the kernel, or, for the exceptions of the
processor, in C, whose contracts are in port/typings.
"""

import ast
import inspect
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNEL, TYPINGS = ROOT / "kernel", ROOT / "port" / "typings"

PAGES = (
    "memory",
    "paging",
    "faults",
    "faults.probe",
    "loader",
    "loader.boot_files",
    "loader.callbacks",
    "loader.errors",
    "loader.handover",
    "loader.objects",
    "devices",
    "devices.balloon",
    "devices.disk",
    "devices.edu",
    "devices.hpet",
    "devices.iommu",
    "devices.ivshmem",
    "devices.virtio",
    "replacement",
    "processors",
    "memory_structs",
)
"""The modules that users import from, in the order of the reference."""

FROM_C = {"traps": "_traps"}
"""What a kernel module calls a native module, and the native module's name: public names that are made in C."""


@dataclass
class Entry:
    """A public thing. `kind` is module, class, function, method, property, or constant.

    page        the module that users import it from
    name        what it is called there, `MappedPages.remap`; "" for the module itself
    origin      the module in whose file it is written; `own_name` is its name there
    signature   its name as it is called, `MappedPages.remap(new_flags)`
    text        its docstring, cleaned; "" if it has none
    members     for a class: Entries of what it and the classes it stands on can be asked
    bases       for a class: the names of the classes that it stands on
    """

    kind: str
    page: str
    name: str
    origin: str
    own_name: str
    signature: str
    text: str
    bases: tuple = ()
    members: list = field(default_factory=list)
    node: ast.AST = None


class NoSuchName(LookupError):
    """A face names what is nowhere in the sources."""


def surface():
    """Return the Entries of all pages: [(the page's own Entry, [Entries of its names])]. Raises NoSuchName."""
    return [(page_entry(page), [entry_of(page, name) for name in public_names(page)]) for page in PAGES]


def page_entry(page):
    """Return the Entry of a module itself, whose text is its docstring."""
    return Entry("module", page, "", page, "", page, docstring(tree_of(page)))


@cache
def path_of(module):
    """Return the file of a module of the kernel, or of a native module's contract. Raises NoSuchName."""
    if module.startswith("_"):
        return TYPINGS / f"{module}.pyi"
    path = KERNEL / module.replace(".", "/")
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    raise NoSuchName(f"no module {module} in kernel/")


@cache
def tree_of(module):
    """Return the syntax tree of a module."""
    return ast.parse(path_of(module).read_text(), str(path_of(module)))


def public_names(page):
    """Return the names that a module offers: its `__all__`; without one, what it defines itself."""
    tree = tree_of(page)
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in names_in(node.targets):
            return list(ast.literal_eval(node.value))
    defined = (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return [name for name in defined if not name.startswith("_")]


def docstring(node):
    """Return the docstring of a node, cleaned; "" without one."""
    return ast.get_docstring(node) or ""


def definition(module, name):
    """Return (module, node) of where a name is written, through imports and renamings. Raises NoSuchName."""
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return definition(absolute(module, node), alias.name)
        if isinstance(node, ast.Assign) and name in names_in(node.targets):
            return renamed(module, node)
    raise NoSuchName(f"{module} has no {name}")


def names_in(targets):
    """Return the names that an assignment gives."""
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def renamed(module, node):
    """Return (module, node) of what an assignment gives another name, or the assignment itself for a value."""
    value = node.value
    if isinstance(value, ast.Name):
        try:
            return definition(module, value.id)
        except NoSuchName:
            return module, node
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id in FROM_C:
        return definition(FROM_C[value.value.id], value.attr)
    return module, node


def absolute(module, node):
    """Return the module that a `from ... import` means."""
    if not node.level:
        return node.module
    parts = module.split(".")
    if path_of(module).name == "__init__.py":
        parts.append("")
    return ".".join([*parts[: -node.level], *([node.module] if node.module else [])])


def entry_of(page, name):
    """Return the Entry of a public name. Raises NoSuchName."""
    origin, node = definition(page, name)
    if isinstance(node, ast.ClassDef):
        return class_entry(page, name, origin, node)
    if isinstance(node, ast.FunctionDef):
        return Entry("function", page, name, origin, node.name, name + signature(node), docstring(node), node=node)
    return Entry("constant", page, name, origin, name, name, text_below(origin, node), node=node)


def text_below(module, node):
    """Return the string that stands below an assignment, which documents it; "" without one."""
    body = tree_of(module).body
    below = body[body.index(node) + 1 :][:1]
    if below and isinstance(below[0], ast.Expr) and isinstance(below[0].value, ast.Constant):
        text = below[0].value.value
        return inspect.cleandoc(text) if isinstance(text, str) else ""
    return ""


def class_entry(page, name, origin, node):
    """Return the Entry of a class with its members, inherited ones too, by name."""
    lineage = list(with_bases(origin, node))
    members = {}
    for where, each in lineage:
        for member in each.body:
            if isinstance(member, ast.FunctionDef) and member.name[0] != "_" and member.name not in members:
                members[member.name] = method_entry(page, name, where, each, member)
    made = next(
        (m for _, c in lineage for m in c.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None
    )
    heading = name + (signature(made, bound=True) if made else "")
    bases = tuple(ast.unparse(base) for base in node.bases)
    found = [members[each] for each in sorted(members)]
    return Entry("class", page, name, origin, node.name, heading, docstring(node), bases, found, node)


def with_bases(module, node):
    """Yield (module, node) of a class and of all that it stands on, as far as that is in the kernel."""
    yield module, node
    for base in node.bases:
        if isinstance(base, ast.Name):
            try:
                where, found = definition(module, base.id)
            except NoSuchName:  # a builtin
                continue
            if isinstance(found, ast.ClassDef):
                yield from with_bases(where, found)


def method_entry(page, class_name, origin, owner, node):
    """Return the Entry of a method or property."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    kind = "property" if "property" in decorators else "method"
    called = "" if kind == "property" else signature(node, bound="staticmethod" not in decorators)
    name = f"{class_name}.{node.name}"
    return Entry(kind, page, name, origin, f"{owner.name}.{node.name}", name + called, docstring(node), node=node)


def signature(node, bound=False):
    """Return the parameters of a function as they are called, `(count, huge=True)`: no annotations, no self."""
    bare = ast.parse(f"def f({ast.unparse(node.args)}): pass").body[0].args
    for argument in (*bare.posonlyargs, *bare.args, *bare.kwonlyargs, bare.vararg, bare.kwarg):
        if argument is not None:
            argument.annotation = None
    if bound:
        del (bare.posonlyargs or bare.args)[0]
    return f"({ast.unparse(bare)})"
