"""The build follows the tree: what is gone leaves the image, what changed reaches it, without `make clean`."""

import os
import shutil
import subprocess

import machine
import pytest

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "*.iso", "unix", "__pycache__", ".pytest_cache", "micropython-tests")

# Its names are names of other modules': with new ones every file would be compiled anew.
NATIVE = """
#include "py/obj.h"
static const char words[] = "a native module that comes and goes";
static mp_obj_t overruns(void) { return mp_obj_new_str(words, sizeof words - 1); }
static MP_DEFINE_CONST_FUN_OBJ_0(overruns_obj, overruns);
static const mp_rom_map_elem_t table[] = { { MP_ROM_QSTR(MP_QSTR_overruns), MP_ROM_PTR(&overruns_obj) } };
static MP_DEFINE_CONST_DICT(globals, table);
const mp_obj_module_t comes_and_goes_module = { .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&globals };
MP_REGISTER_MODULE(MP_QSTR_overruns, comes_and_goes_module);
"""
FROZEN = 'print("a frozen module that comes and goes")\n'
MARKS = (b"a native module that comes and goes", b"a frozen module that comes and goes")


def build(copy):
    """Build the copy's image; return it."""
    environment = {**os.environ, "MAKEFLAGS": ""}
    options = {"cwd": copy, "env": environment, "capture_output": True, "text": True, "timeout": 200}
    done = subprocess.run(("make", "build/kernel.elf"), check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return (copy / "build" / "kernel.elf").read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_comes_goes_and_changes_needs_no_clean(tmp_path):
    copy = tmp_path / "clew"
    shutil.copytree(machine.ROOT, copy, symlinks=True, ignore=LEFT_OUT)
    before = build(copy)
    stubs = copy / "build" / "port" / "port" / "faults" / "trap_stubs.o"
    stubs_before = stubs.read_bytes()

    native, plain = copy / "port" / "testing" / "_comes.c", copy / "port" / "testing" / "comes.c"
    frozen = copy / "kernel" / "examples" / "comes_and_goes.py"
    native.write_text(NATIVE)
    plain.write_text("int comes_and_goes;\n")  # nothing but the list of objects tells that this one is gone
    frozen.write_text(FROZEN)
    header = copy / "port" / "faults" / "vectors.h"
    right = header.read_text()
    header.write_text(right.replace("VECTORS                     48", "VECTORS                     49"))
    assert header.read_text() != right
    image = build(copy)
    assert [mark in image for mark in MARKS] == [True, True]
    assert stubs.read_bytes() != stubs_before

    native.unlink()
    plain.unlink()
    frozen.unlink()
    header.write_text(right)
    assert build(copy) == before
