"""The machine from one's own tools: an experiment, a notebook. (Pictures: test_pictures.py.)"""

import re
from xml.etree import ElementTree

import experiment
import notebook

SVG = "{http://www.w3.org/2000/svg}"


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
