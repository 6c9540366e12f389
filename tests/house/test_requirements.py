"""What is installed with pip can be: each pin is for the oldest Python that the README promises, Debian 12's."""

import re
from importlib import metadata

import machine
import pytest
from packaging.specifiers import SpecifierSet

OLDEST_PYTHON = "3.11.2"
NOT_INSTALLED_HERE = {"requirements-stubs.txt"}
"""Unpacked beside the environment, as files for pyright."""
FILES = sorted(path for path in machine.ROOT.glob("requirements*.txt") if path.name not in NOT_INSTALLED_HERE)


def pins(text):
    """Return {name: version} of a requirements file."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_oldest_python_can_have_each_pin(path):
    found = pins(path.read_text())
    assert found
    for name, version in found.items():
        try:
            known = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # an environment that is made when it is needed
        assert known["Version"] == version, f"{name}: the environment has another one"
        wanted = known.get("Requires-Python")
        assert not wanted or SpecifierSet(wanted).contains(OLDEST_PYTHON), f"{name}=={version} needs {wanted}"
