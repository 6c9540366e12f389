"""The stubs of typings/ say what the sources have: the same names, the same parameters. Their types pyright checks."""

import ast

import book_code
import machine
import pytest
import surface
from harness.transcripts import sessions

STUBS = machine.ROOT / "typings"
PAGES = {page.page: entries for page, entries in surface.surface()}


def stub_of(page):
    """Return {name: node} of a page's stub."""
    path = STUBS / page.replace(".", "/")
    return names_in(path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi"))


def names_in(path):
    """Return {name: node} of a stub file, with what it has from a part beside it."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found |= dict.fromkeys(surface.names_in(node.targets), node)
        elif isinstance(node, ast.ImportFrom) and node.level:
            part = names_in(path.with_name(f"{node.module}.pyi"))
            found |= {alias.asname: part[alias.name] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: node for alias in node.names}
    return found


def parameters(node, bound=False):
    """Return what a call has to look like: the parameters by name, those with a default as `name=`."""
    bare = ast.parse(f"def f{surface.signature(node, bound)}: pass").body[0].args
    plain = [*bare.posonlyargs, *bare.args]
    optional = {each.arg for each in plain[len(plain) - len(bare.defaults) :]}
    optional |= {each.arg for each, value in zip(bare.kwonlyargs, bare.kw_defaults, strict=True) if value is not None}
    named = [f"{each.arg}=" if each.arg in optional else each.arg for each in (*plain, *bare.kwonlyargs)]
    return [*named, "*" * bool(bare.vararg), "**" * bool(bare.kwarg)]


def disagreements(page, entries, stub):
    """Return what a page's stub says otherwise than the sources, as texts."""
    wrong = []
    for entry in entries:
        there = stub.get(entry.name)
        if there is None:
            wrong.append(f"{page} has no {entry.name}")
        elif entry.kind == "function" and isinstance(there, ast.FunctionDef):
            if parameters(there) != parameters(entry.node):
                wrong.append(f"{entry.name}{surface.signature(there)}, not {entry.signature}")
        elif entry.kind == "class" and isinstance(there, ast.ClassDef):
            wrong += members_that_differ(entry, there)
    return wrong


def members_that_differ(entry, there):
    """Return what a class's stub says otherwise than the source."""
    wrong, methods = [], {node.name: node for node in there.body if isinstance(node, ast.FunctionDef)}
    for member in entry.members:
        name = member.name.rpartition(".")[2]
        found = methods.get(name)
        if found is None:
            wrong.append(f"{member.name} is missing")
        elif member.kind == "method":
            is_static = "staticmethod" in [ast.unparse(each) for each in member.node.decorator_list]
            if parameters(found, not is_static) != parameters(member.node, not is_static):
                wrong.append(f"{member.name}{surface.signature(found, not is_static)}, not {member.signature}")
    return wrong


@pytest.mark.parametrize("page", PAGES)
def test_a_stub_has_the_names_and_parameters_of_the_sources(page):
    assert disagreements(page, PAGES[page], stub_of(page)) == []


def test_a_stub_that_differs_is_found():
    stub = stub_of("memory")
    stub["create_mapping"] = ast.parse("def create_mapping(size_in_bytes, flags, huge): ...").body[0]
    del stub["translate"]
    stub["MappedPages"].body = [node for node in stub["MappedPages"].body if getattr(node, "name", "") != "remap"]
    assert disagreements("memory", PAGES["memory"], stub) == [
        "MappedPages.remap is missing",
        "create_mapping(size_in_bytes, flags, huge), not " + entry_of("create_mapping").signature,
        "memory has no translate",
    ]


def entry_of(name):
    """Return the Entry of a name of `memory`."""
    return next(entry for entry in PAGES["memory"] if entry.name == name)


SHOWN = """
```clew
clew> m = create_mapping(8192, PteFlags())
clew> walk m
v0x1000
clew> m + 1
TypeError: unsupported types for __add__: 'MappedPages', 'int'
clew> verify
nothing to complain of
clew> for page in m:
...     print(page)
...
Page(v0x1000)
clew> m.flags
VALID
```
"""


def test_pyright_gets_what_a_chapter_types_but_for_commands_and_refusals():
    typed = book_code.inputs(sessions(SHOWN, "a text")[0])
    kept = [text for text, shown in typed if book_code.is_python(text) and not book_code.REFUSED.search(shown)]
    assert kept == ["m = create_mapping(8192, PteFlags())", "for page in m:\n    print(page)\n", "m.flags"]
