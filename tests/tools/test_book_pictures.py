"""The pictures of the book say what is: ways of addresses, the layout of the address space, an experiment's chart."""

import itertools
import re
from xml.etree import ElementTree

import drawing
import drawing_layout
import drawing_ways
import experiment
import picture
import pytest

SVG = "{http://www.w3.org/2000/svg}"
LETTER = 0.602  # the width of a letter in the pictures' font, of its size
DOWN = [[4, 1, 384, "P W", "rwx kernel"], [3, 2, 0, "P W", "rwx kernel"], [2, 3, 5, "P W", "rwx kernel"]]
SMALL = {"name": "small", "address": 0xFFFFC000_0000_0000, "physical": 0x5123}
SMALL["steps"] = [*DOWN, [1, 4, 256, "P NX", "r-- kernel"]]
BIG = {"name": "big", "address": 0xFFFFC000_0020_0000, "physical": 0x1E0_1000}
BIG["steps"] = [*DOWN[:2], [2, 3, 9, "P W PS NX", "rw- kernel"]]
GONE = {"name": "gone", "address": 0xDEADBEAF, "physical": None, "steps": [[4, 1, 0, None, "rwx user"]]}
SHARING = SMALL | {"name": "sharing", "steps": [*DOWN, [1, 4, 257, "P W NX", "rw- kernel"]]}


def of(*ways):
    """Return the picture of ways as an element."""
    return ElementTree.fromstring(drawing_ways.Ways(ways, "Ways").svg())


def texts(root):
    return [each.text for each in root.iter(f"{SVG}text")]


def boxes(root):
    """Return (left, top, right, bottom, text) of every text of a picture."""
    whole, found = root.get("font-size"), []
    for each in root.iter(f"{SVG}text"):
        x, y, size = float(each.get("x")), float(each.get("y")), float(each.get("font-size", whole))
        width = LETTER * size * len(each.text)
        x -= {"middle": width / 2, "end": width}.get(each.get("text-anchor"), 0)
        found.append((x, y - size * 0.8, x + width, y + size * 0.1, each.text))
    return found


def shapes(root):
    """Return (left, top, right, bottom) of every rectangle but the ground, and of the parts of every line."""
    for each in root.iter(f"{SVG}rect"):
        if each.get("class") != "ground" and each.get("x"):
            x, y, width, height = (float(each.get(name)) for name in ("x", "y", "width", "height"))
            yield x, y, x + width, y + height
    for each in root.iter(f"{SVG}path"):
        curve = re.fullmatch(r"M([\d.]+),(\d+) C.* (\d+),(\d+) V(\d+)", each.get("d", ""))
        if curve:
            from_x, from_y, x, y, end = map(float, curve.groups())
            yield min(from_x, x), from_y, max(from_x, x), y
            yield x, y, x, end


def crossings(root):
    """Return the pairs of a label and what it touches: another label, a shape, the picture's edge."""
    labels, (_, _, width, height) = boxes(root), map(float, root.get("viewBox").split())
    wrong = [box for box in labels if box[0] < 0 or box[1] < 0 or box[2] > width or box[3] > height]
    for place, (left, top, right, bottom, _) in enumerate(labels):
        for other in [*labels[place + 1 :], *shapes(root)]:
            if not (right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top):
                wrong.append((labels[place], other))
    return wrong


def test_what_ways_share_is_drawn_once_and_what_they_do_not_each_by_itself():
    assert [text for text in texts(of(SMALL, SHARING)) if ": frame" in text] == [
        "P4, which CR3 names: frame 0x1",
        "P3: frame 0x2",
        "P2: frame 0x3",
        "P1: frame 0x4",
    ]
    apart = SMALL | {"steps": [*DOWN[:2], [2, 7, 5, "P W", "rwx kernel"], SMALL["steps"][3]]}
    assert len([text for text in texts(of(SMALL, apart)) if text.startswith("P2: frame")]) == 2
    pages = [text for text in texts(of(SMALL, SHARING)) if text.startswith("4 KiB at")]
    assert pages == ["4 KiB at p0x5000"], "one frame behind both"
    elsewhere = SHARING | {"physical": 0x6123}
    assert len([text for text in texts(of(SMALL, elsewhere)) if text.startswith("4 KiB at")]) == 2


def test_a_way_ends_where_the_walk_ends():
    said = texts(of(BIG))
    assert "2 MiB at p0x1e00000" in said
    assert not any(text.startswith("P1") for text in said)
    said = texts(of(GONE))
    assert "page fault: not present at P4" in said
    assert [text for text in said if text.startswith("left")] == []


def test_the_page_has_the_colour_of_the_rights_that_are_left():
    colours = [each.get("fill") for each in of(SMALL, BIG).iter(f"{SVG}rect") if float(each.get("width")) > 100]
    assert [each for each in colours if each] == [drawing.COLOURS["r--"], drawing.COLOURS["rw-"]]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_nothing_crosses_a_label_of_ways(count):
    for ways in itertools.permutations((SMALL, BIG, GONE, SHARING), count):
        assert crossings(of(*ways)) == []


def test_the_walk_of_the_machine_is_what_is_drawn():
    """Of a fresh machine: the window's first page, and a page that nobody has mapped."""
    with picture.fresh_machine() as run:
        window, nobody = picture.ways(run, "", ["0xFFFF8000000B8000", "0xDEADBEAF"])
    assert (window["physical"], window["steps"][0][:3:2], window["steps"][-1][0]) == (0xB8000, [4, 256], 1)
    assert (nobody["physical"], [step[:4:3] for step in nobody["steps"]]) == (None, [[4, None]])


def test_a_place_that_is_none_is_said_in_a_line():
    said = "^clew: --code or --walk raised in the kernel:\n(?s:.)*NameError: name 'nowhere' isn't defined$"
    with pytest.raises(SystemExit, match=said), picture.fresh_machine() as run:
        picture.ways(run, "", ["nowhere"])


REGIONS = [["lower half", 0, (1 << 35) - 1], ["window", -1 << 35 & (1 << 52) - 1, (1 << 52) - (1 << 27) - 1]]
REGIONS += [["image", (1 << 52) - (1 << 27), (1 << 52) - (1 << 18) - 1], ["code", (1 << 52) - (1 << 18), (1 << 52) - 1]]


def test_the_layout_has_every_region_with_its_beginning_and_nothing_crosses():
    root = ElementTree.fromstring(drawing_layout.svg({"levels": 4, "regions": REGIONS}))
    said = texts(root)
    assert {"lower half", "window", "image", "code", "256 entries, 128 TiB"} <= set(said)
    for begins in ("v0x0000000000000000", "v0xffff800000000000", "v0xffffff8000000000", "v0xffffffff80000000"):
        assert begins in said
    assert "1 GiB" in said, "of the image only what lies in the last 2 GiB"
    assert crossings(root) == []


def test_the_names_of_a_charts_lines_stand_apart_and_its_lines_differ_without_colours():
    results = {name: [9, 5] for name in ("fifo", "clock", "opt", "lru")}
    root = ElementTree.fromstring(experiment.svg("a trace", results, [3, 4]))
    assert crossings(root) == []
    assert len({line.get("stroke-dasharray") for line in root.iter(f"{SVG}polyline")}) == 4
