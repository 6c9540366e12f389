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


def test_the_experiment_counts_draws_and_exports(tmp_path):
    path = tmp_path / "my &.trace"
    path.write_text("".join(f" L {page * 4096:x},8\n" for page in [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]))
    title, results = experiment.measure(None, str(path), ["opt", "fifo"], [3, 4])
    assert (title, results) == (
        "my &.trace: 12 references to 5 pages, 0 of them writes",
        {"opt": [7, 6], "fifo": [9, 10]},
    )
    drawing = ElementTree.fromstring(experiment.svg(title, results, [3, 4]))
    lines = [element.get("points").split() for element in drawing.iter(f"{SVG}polyline")]
    heights = [[float(point.split(",")[1]) for point in points] for points in lines]
    assert heights[1][1] < heights[1][0] < heights[0][0] < heights[0][1]
    experiment.write_csv(tmp_path / "faults.csv", title, results, [3, 4])
    rows = (tmp_path / "faults.csv").read_text().splitlines()
    assert rows[0] == "trace,policy,frames,faults"
    assert [row.rsplit(",", 3)[1:] for row in rows[1:]] == [
        ["opt", "3", "7"],
        ["opt", "4", "6"],
        ["fifo", "3", "9"],
        ["fifo", "4", "10"],
    ]


def test_the_notebook_runs():
    outputs = [str(cell.get("outputs")) for cell in notebook.run().cells if cell.cell_type == "code"]
    assert "Belady: FIFO faults (9, 10) times" in outputs[1]
    assert re.search(r"\[\[2, \d+, \d+\], ", outputs[3])
    assert "image/svg+xml" in outputs[4]
