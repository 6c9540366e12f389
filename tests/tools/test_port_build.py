"""The build follows the tree: what is gone leaves the image, what changed reaches it, without `make clean`."""

import os
import re
import shutil
import subprocess

import machine
import pytest

# As the Makefile asks the port's own.
VARIABLES = ("MICROPY_DIR=build/micropython", "MICROPY_MPYCROSS=build/mpy-cross/mpy-cross", "BUILD=build/port")
PORT = ("-f", "port/port.mk", *VARIABLES, "IMAGE=build/kernel.elf")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "*.iso", "unix", "__pycache__", ".pytest_cache", "micropython-tests")

NATIVE = """
#include "py/obj.h"
MP_REGISTER_ROOT_POINTER(mp_obj_t comes_root);
static const mp_rom_map_elem_t table[] = { { MP_ROM_QSTR(MP_QSTR_comes_name), MP_ROM_INT(1) } };
static MP_DEFINE_CONST_DICT(globals, table);
const mp_obj_module_t comes_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&globals };
MP_REGISTER_MODULE(MP_QSTR__comes, comes_module);
"""
FROZEN_MARK = b"a frozen module that comes and goes"


@pytest.fixture
def copy(tmp_path):
    """A copy of the tree that is built, beneath a folder with a space and a comma in its name."""
    copy = tmp_path / "a path, with" / "clew"
    shutil.copytree(machine.ROOT, copy, symlinks=True, ignore=LEFT_OUT)
    make(copy, "build/kernel.elf")
    return copy


def make(copy, *words):
    options = {"cwd": copy, "env": {**os.environ, "MAKEFLAGS": ""}, "capture_output": True, "text": True}
    done = subprocess.run(("make", *words), check=False, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def collected(copy):
    """Collect modules, root pointers and names of the port's own sources, compile nothing; return all of that."""
    folder = copy / "build" / "port" / "genhdr"
    files = ("moduledefs.h", "root_pointers.h", "qstrdefs.collected.h")
    (copy / "port" / "main.c").touch()
    make(copy, *PORT, "SRC_QSTR=$(filter port/%,$(SRC_C))", *(f"build/port/genhdr/{name}" for name in files))
    return "".join((folder / name).read_text() for name in files)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_native_module_that_is_gone_leaves_the_lists_that_the_link_goes_by(copy):
    """One loses its module and stays a source, another is gone from the tree: neither leaves anything behind."""
    emptied, removed = (copy / "port" / "testing" / f"_{name}.c" for name in ("emptied", "removed"))
    wanted = [f"{name}_{what}" for name in ("emptied", "removed") for what in ("module", "root", "name")]
    before = collected(copy)
    for native in emptied, removed:
        native.write_text(NATIVE.replace("comes", native.stem[1:]))
    with_them = collected(copy)
    assert [name for name in wanted if name not in with_them] == []
    emptied.write_text("int no_module_any_more;\n")
    removed.unlink()
    assert collected(copy) == before


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_comes_goes_and_changes_shows_in_the_image(copy):
    image, built = copy / "build" / "kernel.elf", copy / "build" / "port" / "port"
    before, stubs_before = image.read_bytes(), (built / "faults" / "trap_stubs.o").read_bytes()
    plain, frozen = copy / "port" / "testing" / "comes.c", copy / "kernel" / "examples" / "comes_and_goes.py"
    short_lived = plain.with_suffix(".h")
    short_lived.write_text("#define NOBODY\n")
    plain.write_text('#include "port/testing/comes.h"\nint nobody_uses_this;\n')
    frozen.write_text(f'print("{FROZEN_MARK.decode()}")\n')
    header = copy / "port" / "faults" / "vectors.h"
    right = header.read_text()
    more = right.replace("VECTORS                     64", "VECTORS                     65")
    header.write_text(more.replace("VECTOR_DEVICES              48", "VECTOR_DEVICES              49"))
    make(copy, "build/kernel.elf")
    assert FROZEN_MARK in image.read_bytes()
    assert (built / "testing" / "comes.o").exists()
    assert (built / "faults" / "trap_stubs.o").read_bytes() != stubs_before

    frozen.unlink()
    short_lived.unlink()  # what was made with it says that it needs it
    plain.write_text("int nobody_uses_this;\n")
    header.write_text(right)
    make(copy, "build/kernel.elf")
    assert image.read_bytes() == before

    linked = image.stat().st_mtime_ns
    plain.unlink()  # nothing but the list of sources tells that this one is gone
    make(copy, "build/kernel.elf")
    assert image.stat().st_mtime_ns > linked
    assert image.read_bytes() == before

    written = [make(copy, "-n", *PORT, flag) for flag in ("CFLAGS_EXTRA=-DFLAG", "LDFLAGS=--flag")]
    ours = {str(path.relative_to(copy)) for path in copy.glob("port/*/*.c")} | {
        "port/main.c",
        "build/micropython/py/vm.c",
    }
    parts = {f"port/runtime/{name}.c" for name in ("modmachine", "modos", "modtime")}
    assert ours - compiled(written[0]) == parts, "parts of files of MicroPython's"
    assert "--flag -T" in written[1]
    assert all("frozen_mpy" in commands for commands in written)
    log = make(copy, "-n", "-W", "tools/micropython-1.25.0.sha256", "build/mpy-cross/mpy-cross")
    assert "rm -rf build/mpy-cross" in log
    assert "BUILD=/tmp/clew-" in (copy / "build" / "mpy-cross.log").read_text() or "/tmp/clew-" in log


def compiled(commands):
    """Return the sources that make would compile, by what it says of each."""
    return set(re.findall(r'^echo "CC (\S+)"$', commands, re.MULTILINE))


INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.MULTILINE)


def included(path, headers, seen):
    """Return the headers of ours that a source takes, directly or by another, found by reading it."""
    for name in INCLUDE.findall(path.read_text()):
        for folder in (machine.ROOT, machine.ROOT / "port", machine.ROOT / "boot"):
            header = folder / name
            if header in headers and header not in seen:
                seen.add(header)
                included(header, headers, seen)
    return seen


def test_what_takes_a_header_depends_on_it():
    said = subprocess.run(("make", "-pq", *PORT), cwd=machine.ROOT, capture_output=True, text=True, check=False).stdout
    rules = {}
    for target, needs in re.findall(r"^(build/port/\S+\.o): (.*)$", said, re.MULTILINE):
        rules.setdefault(target, set()).update(needs.split())
    headers = {path for folder in ("port", "boot") for path in (machine.ROOT / folder).rglob("*.h")}
    taken = set()
    for source in (machine.ROOT / "port").rglob("*.c"):
        needs = rules.get(f"build/port/{source.relative_to(machine.ROOT).with_suffix('.o')}")
        if needs is not None:  # some are parts of MicroPython's own files
            wanted = included(source, headers, set())
            assert {str(path.relative_to(machine.ROOT)) for path in wanted} - needs == set(), source
            taken |= wanted
    assert len(taken) > 40


def test_what_is_written_in_assembler_or_for_the_linker_depends_on_headers_too():
    said = make(machine.ROOT, "-n", "-W", "boot/layout.h", *PORT)
    assembled = {str(path.relative_to(machine.ROOT)) for path in machine.ROOT.glob("[bp]o[or]t/**/*.S")}
    assert len(assembled) >= 4
    assert assembled - compiled(said) == set()
    assert "-o build/port/kernel.ld boot/kernel.ld" in said
