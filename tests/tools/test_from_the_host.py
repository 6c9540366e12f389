"""The machine from one's own tools: pictures, an experiment, a notebook."""

import re
from xml.etree import ElementTree

import experiment
import notebook
import picture
import pytest

SVG = "{http://www.w3.org/2000/svg}"
CODE = "import memory\nkept = memory.create_mapping(40 << 12, memory.PteFlags())"


@pytest.fixture(scope="module")
def snapshots():
    """Two snapshots of one machine, before and after CODE."""
    return picture.of_fresh_machine(CODE)


def titles(text):
    """Return the tooltips of a picture's entries."""
    return [element.text for element in ElementTree.fromstring(text).iter(f"{SVG}title")]


def test_the_picture_is_the_same_for_the_same_machine(snapshots):
    assert picture.Drawing(picture.of_fresh_machine("")[0]).svg() == picture.Drawing(snapshots[0]).svg()


def test_the_picture_has_every_table_and_every_run(snapshots):
    found = titles(picture.Drawing(snapshots[0]).svg())
    assert len(found) == sum(len(table["runs"]) for table in snapshots[0]["tables"])
    assert any(title.endswith(", r-x") for title in found)
    assert not any("rwx" in title and "->  p" in title for title in found)


def test_the_difference_marks_what_is_new_and_what_is_gone(snapshots):
    before, after = snapshots
    added = picture.Drawing(after, before).svg()
    assert added.count(f'stroke="{picture.NEW}"') >= 1
    assert picture.Drawing(after, after).svg().count(f'stroke="{picture.NEW}"') == 0
    assert picture.Drawing(before, after).svg().count(f'stroke="{picture.GONE}"') >= 1


def test_a_right_that_changed_changes_the_colour():
    before, after = picture.of_fresh_machine(
        "import memory\nm = memory.create_mapping(4096, memory.PteFlags())\nm.remap(memory.PteFlags().writable(True))"
    )
    assert picture.Drawing(after).svg().count(picture.COLOURS["rw-"]) > picture.Drawing(before).svg().count(
        picture.COLOURS["rw-"]
    )


def test_the_experiment_counts_and_draws():
    results = experiment.measure(60)
    for counts in results.values():
        assert counts[0] >= counts[-1]
        assert counts[-1] <= 16
    drawing = ElementTree.fromstring(experiment.svg(results, 60))
    lines = [element.get("points").split() for element in drawing.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [len(experiment.FRAMES)] * len(experiment.POLICIES)


def test_the_notebook_runs():
    outputs = [str(cell.get("outputs")) for cell in notebook.run().cells if cell.cell_type == "code"]
    assert "Belady: FIFO faults (9, 10) times" in outputs[1]
    assert re.search(r"\[\[2, \d+, \d+\], ", outputs[3])
    assert "image/svg+xml" in outputs[4]
