"""No file is longer than 400 lines; what still is, is named here, and the list can only shrink."""

import os

import machine

ROOT = machine.ROOT
LIMIT_IN_LINES = 400
# Not read from top to bottom: a text of others, drawings, data.
EXEMPT_ENDINGS = ("LICENSE", ".svg", ".ipynb")
EXEMPT_FOLDER = "vectors"
STILL_LONGER = set()


def files():
    """Yield the project's files: neither what .gitignore names, nor the folders of tools, which begin with a dot."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ignored and (name == ".ci" or name[0] != ".")]
        for name in names:
            if name not in ignored and name != ".git":
                yield ROOT / folder / name


def length_of(path):
    """Return the number of lines of a file; 0 if it is no text."""
    try:
        return len(path.read_text().splitlines())
    except UnicodeDecodeError:
        return 0


def is_exempt(path):
    return path.name.endswith(EXEMPT_ENDINGS) or path.parent.name == EXEMPT_FOLDER


def test_no_file_is_longer_than_it_may_be_and_the_list_of_those_that_are_is_true():
    longer = {
        str(path.relative_to(ROOT)) for path in files() if length_of(path) > LIMIT_IN_LINES and not is_exempt(path)
    }
    assert longer - STILL_LONGER == set(), f"divide what is longer than {LIMIT_IN_LINES} lines"
    assert STILL_LONGER - longer == set(), "take what is short by now, or gone, off the list"


def test_the_walk_finds_the_files():
    found = {str(path.relative_to(ROOT)) for path in files()}
    assert {"Makefile", ".ci/run", "kernel/main.py", "port/main.c", "boot/layout.h", "tests/conftest.py"} <= found
    assert not [name for name in found if name.startswith(("build/", ".venv/", ".git/"))]
