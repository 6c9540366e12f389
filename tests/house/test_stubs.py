"""The stubs of typings/ say what the sources have: the same names, the same parameters, and what a running kernel has.

That a type fits the code that uses it, pyright checks; that it is the value's own, a machine does.
"""

import ast
import re
from functools import cache

import book_code
import machine
import on_target
import pytest
import surface
from harness import Kernel
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
    wrong, methods = [], methods_of(there)
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


@cache
def classes():
    """Return {name: nodes} of all classes of all stubs: those of one name are of different pages."""
    found = {}
    for path in sorted(STUBS.rglob("*.pyi")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name.lstrip("_"), []).append(node)
    return found


def lineage(node):
    """Yield a stub's class and all that it stands on, as far as the stubs have it."""
    yield node
    for base in node.bases:
        for each in classes().get(ast.unparse(base).rpartition(".")[2], ()):
            yield from lineage(each)


def methods_of(node):
    """Return {name: node} of the functions that a stub's class has, inherited ones too."""
    found = {}
    for each in lineage(node):
        for member in each.body:
            if isinstance(member, ast.FunctionDef):
                found.setdefault(member.name, member)
    return found


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


def attributes(node):
    """Return {name: annotation} of what a stub's class can be asked without a call, inherited or not."""
    found = {}
    for each in reversed(list(lineage(node))):
        for member in each.body:
            if isinstance(member, ast.AnnAssign):
                found[member.target.id] = ast.unparse(member.annotation)
            elif isinstance(member, ast.FunctionDef) and "property" in map(ast.unparse, member.decorator_list):
                found[member.name] = ast.unparse(member.returns)
    return found


def fits(shape, annotation, name=""):
    """Answer whether a value of a shape (tests/on_target/stubs/shapes.py) may be what an annotation says.

    `name` is the class that Self stands for.
    """
    parts = re.split(r" \| (?![^\[]*\])", re.sub(r"^ClassVar\[(.*)\]$", r"\1", annotation))
    kinds = {part.partition("[")[0].rpartition(".")[2].lstrip("_") for part in parts}
    if kinds & {"Any", "Callable", "Iterator"} or ("Self" in kinds and name in shape.split("<")):
        return True
    outer, _, inner = shape.partition("[")
    if not inner or outer not in kinds:
        return bool(set(outer.split("<")) & kinds)
    annotated = next((part for part in parts if part.startswith(f"{outer}[")), f"{outer}[Any]")[len(outer) + 1 : -1]
    wanted = [part for part in re.split(r", (?![^\[]*\])", annotated) if part != "..."]
    values = [part for part in re.split(r", (?![^\[]*\])", inner[:-1]) if part]
    if outer == "list" or annotated.endswith("..."):
        wanted = wanted[:1] * len(values)
    return len(wanted) == len(values) and all(map(fits, values, wanted))


def test_what_a_running_kernel_has_is_what_the_stubs_say(boot):
    """Each attribute and property of each sample that the target has."""
    asked = {name: {each for node in nodes for each in attributes(node)} for name, nodes in classes().items()}
    guest = boot(processors=2)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=60)
    kernel.exec(on_target.source("stubs/shapes") + on_target.source("stubs/samples"))
    found = kernel.eval(f"shapes({ {name: sorted(each) for name, each in asked.items()} })")
    assert len(found) > 300, "samples are missing"
    lies = []
    for name, shapes in sorted(found.items()):
        kind, _, attribute = name.partition(".")
        said = [attributes(node)[attribute] for node in classes()[kind] if attribute in attributes(node)]
        lies += [f"{name} is {s}, not {said}" for s in shapes if not any(fits(s, each, kind) for each in said)]
    assert not lies, "\n".join(lies)


def promises():
    """Yield (line, expression, type) of each assert_type at the top of typings/promises.py, and the code before it."""
    before = []
    for node in ast.parse((STUBS / "promises.py").read_text()).body:
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "assert_type":
            yield node.lineno, "\n".join(before), *map(ast.unparse, call.args)
            before = []
        elif not (isinstance(node, ast.ImportFrom) and node.module == "typing"):
            if isinstance(node, ast.FunctionDef):
                node.body = [each for each in node.body if "assert_type" not in ast.unparse(each)]
            before.append(ast.unparse(node))


def test_every_promise_is_kept_by_a_running_kernel(kernel):
    kernel.exec(on_target.source("stubs/shapes"))
    kernel.exec("with open('digits', 'w') as file: _ = file.write('0123456789')")
    broken = []
    for line, code, expression, promised in promises():
        kernel.exec(code)
        shape = kernel.exec(f"print(shape({expression}))").strip()
        if not fits(shape, promised):
            broken.append(f"line {line}: {expression} is {shape}, not {promised}")
    assert not broken, "\n".join(broken)
