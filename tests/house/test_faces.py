"""`from package import *` brings what a user wants, and nothing that hides something else of theirs."""

import ast

import machine
import pytest
from harness import depth

KERNEL = machine.ROOT / "kernel"
EXAMPLES = sorted(f"examples.{path.stem}" for path in (KERNEL / "examples").glob("[a-z]*.py"))
FACES = ["memory", "paging", "faults", "memory_structs", "devices", *EXAMPLES]


@pytest.mark.parametrize("name", FACES)
def test_import_star_brings_what_is_promised_and_no_module(kernel, name):
    brought, face, modules = kernel.eval(f"""(lambda bound: (exec("from {name} import *", bound), (
        sorted(key for key in bound if key != "__name__"),
        sorted(__import__("sys").modules["{name}"].__all__),
        [key for key in bound if type(bound[key]) is type(__import__("sys"))],
    ))[1])({{"__name__": "nobody"}})""")
    assert brought == face
    assert modules == []
    assert len(face) >= 1


@pytest.mark.parametrize("name", FACES)
def test_what_a_face_names_once_is_there(name):
    """A name that is misspelt, or twice there, would be seen by nobody but a user."""
    path = KERNEL / (name.replace(".", "/") + ".py")
    path = path if path.exists() else KERNEL / name / "__init__.py"
    found = [
        ast.literal_eval(node.value)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    ]
    assert len(found) == 1
    assert len(found[0]) == len(set(found[0]))


def test_every_command_still_is_one_after_all_of_them(console):
    """Whatever a package has of the same name, the word at the prompt is the command."""
    for name in FACES:
        assert console.command(f"from {name} import *") == ""
    console.command("import shell.commands, shell.prompt")
    words = "[each.name for each in shell.commands.TABLE]"
    bound = f"[word for word in {words} if word in globals() and not shell.prompt.is_ours(globals()[word], word)]"
    assert console.command(bound) == "[]\n"
    assert f"{depth.ROOT} table in frame" in console.command("entries").split("\n")[0]
    assert console.command("translate 0").startswith("v0x0 = ")
    assert "usable" in console.command("ram")


def test_a_module_without_a_face_is_imported_as_before(kernel):
    """Whatever does not begin with an underscore; and a face that names what is not there says so."""
    for file, text in (("bare", "one, _two = 1, 2"), ("wrong", "__all__ = ('one', 'three')\none = 1")):
        kernel.exec(f"with open('{file}.py', 'w') as file: file.write({text!r})")
    kernel.exec("from bare import *\nassert one == 1 and '_two' not in globals()")
    with kernel.raises("AttributeError", match="three"):
        kernel.exec("from wrong import *")
    kernel.exec("import os; os.remove('bare.py'); os.remove('wrong.py')")
