"""Litmus tests as texts on this side: the kernel's reader of them, and the named tests that it has.

The reader is one file for both sides; what a test may do is judged by `oracle.litmus` alone.
"""

import importlib.util

from machine import ROOT

FOLDER = ROOT / "kernel" / "litmus"


def loaded(path):
    """Return a file of the kernel's package as a module; only for those that need nothing of the machine."""
    spec = importlib.util.spec_from_file_location(f"kernel_litmus_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reader = loaded(FOLDER / "text.py")
LitmusError, read_test, read_tests = reader.LitmusError, reader.read_test, reader.read_tests
FAMILIES = loaded(FOLDER / "families" / "__init__.py").NAMES


def named(family):
    """Return the Tests of a family."""
    return read_tests(loaded(FOLDER / "families" / f"{family}.py").TEXT)


def describe(test, outcome):
    """Return an outcome as text: r1 = 1, x = a PWA, ..."""
    kinds = reader.kinds_of(test)
    return ", ".join(
        f"{place} = {reader.said(place, value, kinds)}" for place, value in zip(test.places(), outcome, strict=True)
    )


def all_named():
    """Return all named Tests."""
    return [test for family in FAMILIES for test in named(family)]
