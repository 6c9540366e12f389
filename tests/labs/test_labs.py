"""Each lab's grader gives the reference all points, the starter none, and catches every wrong solution by a check."""

import ast
import re
import subprocess
import sys
from xml.etree import ElementTree

import machine
import pytest
from harness.guard import SHOWS_STALE

LABS = machine.ROOT / "docs" / "labs"
NAMES = sorted(path.parent.name for path in LABS.glob("*/grade.py"))
WRONG_AT_LEAST = 9  # one of them a cheat


def wrong_ones(lab):
    """Return {file: the check that its docstring says catches it}."""
    return {
        path: re.search(r"^Caught by (\w+)\.$", path.read_text(), re.MULTILINE)[1]
        for path in sorted((LABS / lab / "wrong").glob("*.py"))
    }


def grade(lab, *files, folder):
    """Grade files; return {file: {check: points}} by the JUnit XML, and all points that there are."""
    command = [sys.executable, "tools/grade.py", lab, *map(str, files), "--limit", "60", "--junit", f"{folder}/all.xml"]
    command += ["--seed", "1", "--together"]
    done = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True, timeout=500, check=False)
    found, most = {}, {}
    for case in ElementTree.parse(folder / "all.xml").iter("testcase"):
        check, file = re.fullmatch(r"test_(\w+)\[(.*)\]", case.get("name")).groups()
        told = {each.get("name"): int(each.get("value")) for each in case.iter("property")}
        failed = case.find("failure") is not None or case.find("error") is not None
        assert failed == (told["points"] == 0), (file, check)
        found.setdefault(file, {})[check], most[check] = told["points"], told["of"]
    return found, most, done


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize(
    "lab", [pytest.param(name, marks=SHOWS_STALE) if name in ("shootdown", "technique") else name for name in NAMES]
)
def test_a_grader_tells_right_from_wrong(lab, tmp_path):
    wrong, starter = wrong_ones(lab), LABS / lab / "starter.py"
    (reference,) = (LABS / lab / "reference").glob("*.py")
    assert len(wrong) >= WRONG_AT_LEAST
    chosen = [f"{path}::{check}" for path, check in wrong.items()]
    found, most, done = grade(lab, starter, reference, *chosen, folder=tmp_path)
    assert sum(most.values()) == 100
    assert found[str(reference)] == most, done.stdout + done.stderr
    assert found[str(starter)] == dict.fromkeys(most, 0), done.stdout + done.stderr
    for path, check in wrong.items():
        assert found[str(path)] == {check: 0}, f"{path.name} is not caught by {check}"
    assert done.returncode == 1


def test_there_are_eight_and_each_text_names_its_checks():
    assert len(NAMES) == 8
    index = (LABS / "README.md").read_text()
    for lab in NAMES:
        checks = checks_of(lab)
        rows = re.findall(r"^\| (\d+) \| (.*) \|$", (LABS / lab / "README.md").read_text(), re.MULTILINE)
        assert [(int(points), text) for points, text in rows] == checks
        assert sum(points for points, _ in checks) == 100
        assert f"({lab}/README.md)" in index


def checks_of(lab):
    """Return (points, what is asked) of each check of a lab."""
    body = ast.parse((LABS / lab / "grade.py").read_text()).body
    return [
        (each.decorator_list[0].args[0].value, " ".join(ast.get_docstring(each).split()))
        for each in body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    ]
