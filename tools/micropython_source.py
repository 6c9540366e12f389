#!/usr/bin/env python3
"""Check that a folder is MicroPython 1.25.0, wherever it came from, and link the build to it.

    tools/micropython_source.py use FOLDER LINK      check FOLDER, then let LINK be a symbolic link to it
    tools/micropython_source.py check FOLDER         check only
    tools/micropython_source.py write FOLDER         write the list of digests anew: another version, or a patched one

What is checked is what the build and the tests read: for each pattern of DIGESTS one SHA-256 over the sources, scripts
and makefiles that it finds. A source package, a release archive and a git checkout differ elsewhere.
"""

import hashlib
import os
import sys
from pathlib import Path

from machine import ROOT
from say import stop

VERSION = "1.25.0"
DIGESTS = ROOT / "tools" / f"micropython-{VERSION}.sha256"
SUFFIXES = {".c", ".h", ".S", ".s", ".py", ".mk", ".exp"}


def files(tree, pattern):
    """Return the paths of what a pattern finds in MicroPython's tree, in order; no build's leavings."""
    found = (path.relative_to(tree) for path in Path(tree).glob(pattern) if path.is_file())
    kept = (path for path in found if path.suffix in SUFFIXES or path.name == "Makefile")
    return sorted(path.as_posix() for path in kept if not any(part.startswith("build") for part in path.parts[:-1]))


def digest(tree, pattern):
    """Return (SHA-256 in hex, number of files) of what a pattern finds: names and bytes count, times don't."""
    names = files(tree, pattern)
    rows = (f"{hashlib.sha256((tree / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    return hashlib.sha256("".join(rows).encode()).hexdigest(), len(names)


def expected():
    """Return {pattern: (SHA-256, number of files)} as the list has it."""
    rows = (line.split() for line in DIGESTS.read_text().splitlines() if not line.startswith("#"))
    return {pattern: (found, int(count)) for found, count, pattern in rows}


def complaint(tree):
    """Return in a few words why a folder is not MicroPython as this project uses it, or None if it is."""
    tree = Path(tree)
    if not (tree / "py" / "mpconfig.h").exists():
        return "is no MicroPython source (no py/mpconfig.h there)"
    wrong = []
    for pattern, wanted in expected().items():
        found = digest(tree, pattern)
        if found != wanted:
            differs = "a file was changed" if found[1] == wanted[1] else f"{found[1]} files, not {wanted[1]}"
            wrong.append(f"{pattern} ({differs})")
    if not wrong:
        return None
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"is not MicroPython {VERSION} as it was released: {', '.join(wrong[:3])}{more}"


def check(tree):
    """Stop with one line unless a folder is MicroPython as this project uses it."""
    if found := complaint(tree):
        stop(f"{tree} {found}")


def use(tree, link):
    """Check a folder and let `link` lead to it, unless it does and no list is newer than the link."""
    tree = tree.absolute()
    leads_there = link.is_symlink() and os.readlink(link) == str(tree) and link.exists()
    if leads_there and link.lstat().st_mtime >= DIGESTS.stat().st_mtime:
        return
    check(tree)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(tree)


def write(tree):
    """Write the list anew from a folder, for the patterns that it has."""
    head = [line for line in DIGESTS.read_text().splitlines() if line.startswith("#")]
    rows = ["{0[0]} {0[1]:4} {1}".format(digest(tree, pattern), pattern) for pattern in expected()]
    DIGESTS.write_text("\n".join([*head, *rows, ""]))


def main():
    """Do what the first word says."""
    actions = {"use": (use, 2), "check": (check, 1), "write": (write, 1)}
    action, count = actions.get("".join(sys.argv[1:2]), (None, 0))
    paths = [Path(word) for word in sys.argv[2:]]
    if action is None or len(paths) != count:
        stop("usage: micropython_source.py use FOLDER LINK | check FOLDER | write FOLDER")
    action(*paths)


if __name__ == "__main__":
    main()
