"""The C files of port/ stand on one another without circles: by what they include, and by the functions they call."""

import graphlib
import re
import subprocess

import machine
import pytest

PORT = machine.ROOT / "port"
OBJECTS = machine.BUILD / "port" / "port"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def circle(graph):
    """Return a circle of a graph as text, "" if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return " < ".join(error.args[1])
    return ""


def included(path):
    """Return the names of this project's files that a C or assembly file includes."""
    folders = (path.parent, machine.ROOT, machine.ROOT / "boot", PORT)
    places = [folder / name for name in INCLUDE.findall(path.read_text()) for folder in folders]
    return {str(place.resolve().relative_to(machine.ROOT)) for place in places if place.is_file()}


def test_no_file_includes_itself_by_way_of_others():
    files = [path for folder in ("port", "boot") for path in (machine.ROOT / folder).rglob("*.[chS]")]
    graph = {str(path.relative_to(machine.ROOT)): included(path) for path in files}
    assert graph["port/hardware/stacks.h"] == {"boot/layout.h"}
    assert circle(graph) == ""


def symbols(path):
    """Return (global names that an object file defines, names that it takes from others)."""
    lines = subprocess.run(["nm", "-g", path], capture_output=True, text=True, check=True).stdout.splitlines()
    defined = {line.split()[-1] for line in lines if line.split()[-2] != "U"}
    return defined, {line.split()[-1] for line in lines} - defined


@pytest.fixture(scope="module")
def uses():
    """Which files of port/ use functions or data of which: {file: {files}}, from what was compiled."""
    sources = [path.relative_to(PORT).with_suffix("") for path in PORT.rglob("*.[cS]")]
    objects = {str(name): OBJECTS / f"{name}.o" for name in sources}
    found = {name: symbols(path) for name, path in objects.items() if path.exists()}
    home = {symbol: name for name, (defined, _) in found.items() for symbol in defined}
    return {name: {home[s] for s in taken if s in home} - {name} for name, (_, taken) in found.items()}


def test_files_use_one_another_in_one_direction(uses):
    assert "views/slice" in uses["views/overlay"]
    assert circle(uses) == ""
