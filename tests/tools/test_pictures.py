"""Pictures of page tables are true: what is drawn is there, and what matters can be seen by everybody."""

import itertools
import re
import sys
from xml.etree import ElementTree

import drawing
import picture
import pytest
from harness import depth
from harness.guard import SHOWS_ALL

SVG = "{http://www.w3.org/2000/svg}"
CODE = "import memory\nkept = memory.create_mapping(40 << 12, memory.PteFlags())"
LETTER = 0.602  # the width of a letter in the pictures' font, of its size
EVERYTHING, READ_ONLY = 0b110, 1 << 23
MIB = 256


@pytest.fixture(scope="module")
def snapshots():
    """Two snapshots of one machine, before and after CODE."""
    return picture.of_fresh_machine(CODE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-o /nonexistent/x.svg", "-o /nonexistent/x.svg: a file in a folder that is there is wanted"),
        ("-o /", "-o /: a file in a folder that is there is wanted"),
        ("--difference", "--difference shows what --code changed: give both"),
        ("--connect /dev/null", "no kernel answers at a prompt there (failed to access /dev/null): `make pty` prints"),
        ("--code x=1\\n1/0", "ZeroDivisionError: divide by zero"),
    ],
)
def test_what_cant_be_drawn_is_said_in_words(words, said, monkeypatch, tmp_path):
    output = () if "-o" in words else ("-o", str(tmp_path / "x.svg"))
    monkeypatch.setattr(sys, "argv", ["picture.py", *words.split(), *output])
    with pytest.raises(SystemExit) as stopped:
        picture.main()
    assert str(stopped.value).startswith("clew: ")
    assert said in str(stopped.value)
    assert not (tmp_path / "x.svg").exists()


def machine(runs, ram=((0, 16 * MIB - 1),), levels=4, more=()):
    """Return a snapshot with one table of each level; the last one has these runs."""
    lead = [[0, 1, 7, 3, EVERYTHING, "table"]]
    tables = [{"frame": level, "level": level, "page": 0, "runs": lead} for level in range(levels, 1, -1)]
    tables.append({"frame": 1, "level": 1, "page": 0, "runs": runs})
    return {"levels": levels, "tables": [*tables, *more], "ram": [list(part) for part in ram], "regions": []}


def pages(index, count, frame, rights=READ_ONLY):
    return [index, count, frame, 1, rights, "pages"]


def entries(text):
    """Return {tooltip: [the attributes of its rectangles]} of a picture."""
    found = ElementTree.fromstring(text).iter(f"{SVG}g")
    return {
        each.find(f"{SVG}title").text: [rect.attrib for rect in each.iter(f"{SVG}rect")]
        for each in found
        if each.get("class") == "entry"
    }


def changed(text):
    """Return the heights and tops of what a picture marks as changed: (kind, top, height)."""
    marked = [each for each in ElementTree.fromstring(text).iter(f"{SVG}g") if each.get("class") == "changed"]
    rects = [each.findall(f"{SVG}rect")[-1].attrib for each in marked]
    return [("gone" if "gone" in rect["class"] else "new", float(rect["y"]), float(rect["height"])) for rect in rects]


def test_the_picture_is_the_same_for_the_same_machine(snapshots):
    assert drawing.Drawing(picture.of_fresh_machine("")[0]).svg() == drawing.Drawing(snapshots[0]).svg()


def test_the_picture_has_every_table_and_every_run(snapshots):
    found = entries(drawing.Drawing(snapshots[0]).svg())
    assert len(found) == sum(len(table["runs"]) for table in snapshots[0]["tables"])
    assert any(title.endswith(", r-x") for title in found)
    assert not any("rwx" in title for title in found)


def test_every_entry_says_where_it_is_with_its_sign_bits(snapshots):
    root = snapshots[0]["tables"][0]
    titles = [drawing.describe(snapshots[0], root, run) for run in root["runs"]]
    assert titles[0] == f"entry 256: v{depth.WINDOW:#x} -> table in frame {root['runs'][0][2]:#x}"
    assert f"entry 510: v{depth.root_entry(510):#x} -> table in frame" in titles[-2]
    assert titles[-2].endswith(", a root: not followed")


def test_entries_that_lead_to_empty_tables_are_shown_as_such(snapshots):
    found = entries(drawing.Drawing(snapshots[0]).svg())
    empty = [title for title, rects in found.items() if rects[0]["fill"] == drawing.COLOURS["empty"]]
    assert f"entries 257 to 383: v{depth.root_entry(257):#x} -> tables, which are empty" in empty
    assert all("empty" in title for title in empty)


@SHOWS_ALL
def test_leaves_over_nothing_are_drawn_so_and_have_no_band(snapshots):
    """The physical window shows 4 GiB; 128 MiB of it are RAM."""
    text = drawing.Drawing(snapshots[0]).svg()
    found = entries(text)
    beyond = found[f"entries 1 to 3: v{depth.WINDOW + (1 << 30):#x} -> p0x40000000, 3 GiB, rw-, where no RAM is"]
    assert [rect["fill"] for rect in beyond] == [drawing.COLOURS["beyond"]]
    partly = next(rects for title, rects in found.items() if ", 110 MiB of it RAM" in title)
    assert [rect["fill"] for rect in partly] == [drawing.COLOURS["beyond"], drawing.COLOURS["rw-"]]
    assert float(partly[1]["height"]) < float(partly[0]["height"]) / 8
    one_page = machine([pages(0, 1, 0), pages(2, 1, 20 * MIB)])
    assert drawing.Drawing(one_page).svg().count("fill-opacity") == 1


def test_the_bar_of_ram_ends_where_ram_ends_and_has_its_holes():
    made = drawing.Drawing(machine([pages(0, 1, 0)], ram=((0, 64 * MIB - 1), (100 * MIB, 112 * MIB - 1))))
    text = made.svg()
    bars = [each for each in ElementTree.fromstring(text).iter(f"{SVG}rect") if each.get("class") == "lead ram"]
    scale = made.ram_height / (112 * MIB)
    places = [(float(bar.get("y")) - drawing.TOP, float(bar.get("height"))) for bar in bars]
    assert places == [
        pytest.approx((0, 64 * MIB * scale), abs=0.1),
        pytest.approx((100 * MIB * scale, 12 * MIB * scale), abs=0.1),
    ]
    assert "RAM: 76 MiB" in text
    assert "ends at" not in text, "a label is there already"
    assert "ends at p0x6e00000" in drawing.Drawing(machine([], ram=((0, 110 * MIB - 1),))).svg()


@pytest.mark.parametrize("mib", [24, 100, 128, 8192, 3 << 20])
def test_labels_of_ram_are_round(mib):
    text = drawing.Drawing(machine([], ram=((0, mib * MIB - 1),))).svg()
    labels = re.findall(r">(\d+) ([KMGT])iB, p(0x[0-9a-f]+)<", text)
    assert 3 <= len(labels) <= drawing.LARGEST_LABEL_COUNT
    for count, unit, place in labels:
        assert int(place, 16) == int(count) << {"K": 10, "M": 20, "G": 30, "T": 40}[unit]
    step = int(labels[0][2], 16)
    assert step & step - 1 == 0, "steps of a power of two"
    assert [int(place, 16) for _, _, place in labels] == [step * n for n in range(1, len(labels) + 1)]


def test_what_is_new_is_marked_and_not_what_it_is_joined_with():
    before, after = machine([pages(0, 200, 0)]), machine([pages(0, 300, 0)])
    made = drawing.Drawing(after, before)
    [(kind, top, height)] = changed(made.svg())
    scale = drawing.TABLE_HEIGHT / drawing.ENTRIES
    assert (kind, made.changes) == ("new", 1)
    assert top == pytest.approx(drawing.TOP + 200 * scale - 2, abs=0.1)
    assert height == pytest.approx(100 * scale + 4, abs=0.1)
    assert [kind for kind, _, _ in changed(drawing.Drawing(before, after).svg())] == ["gone"]
    assert changed(drawing.Drawing(after, after).svg()) == []
    assert changed(drawing.Drawing(after).svg()) == []


def test_new_entries_that_touch_have_one_outline_and_no_sign_hides_another():
    """Thin ones would have outlines that hide their colours."""
    made = drawing.Drawing(machine([pages(100, 1, 0), pages(101, 1, 50), pages(102, 1, 90)]), machine([]))
    [(_, top, height)] = changed(made.svg())
    assert height == pytest.approx(3 * drawing.SMALLEST + 4, abs=0.1)
    [first] = entries(made.svg())["entry 100: v0x64000 -> p0x0, 4 KiB, r--"]
    assert top + 2 <= float(first["y"]) + 0.01, "the outline lies around what is new"
    apart = drawing.Drawing(machine([pages(100, 1, 0), pages(120, 1, 50), pages(200, 1, 90)]), machine([]))
    signs = [box for box in boxes(apart.svg()) if box[4] == drawing.PLUS][:-1]  # the last one is the legend's
    assert (apart.changes, len(signs)) == (3, 2)
    assert signs[0][3] <= signs[1][1]


def test_a_table_that_is_new_is_new_with_all_it_has(snapshots):
    assert {kind for kind, _, _ in changed(drawing.Drawing(*reversed(snapshots)).svg())} == {"new"}
    assert "gone" in {kind for kind, _, _ in changed(drawing.Drawing(*snapshots).svg())}


@pytest.mark.parametrize("other", [pages(0, 1, 5), pages(0, 1, 0, EVERYTHING), [0, 1, -1, 2, 0, "absent"]])
def test_an_entry_that_has_changed_is_new(other):
    text = drawing.Drawing(machine([other]), machine([pages(0, 1, 0)])).svg()
    assert [kind for kind, _, _ in changed(text)] == ["new"]


def test_new_and_gone_need_no_colour():
    """Two outlines, one light and one dark, show on every colour, and each kind has a sign of its own."""
    before, after = machine([pages(0, 9, 0)]), machine([pages(100, 9, 0)])
    text = drawing.Drawing(after, before).svg()
    assert text.count('class="edge"') == text.count('class="mark"') + text.count('class="mark gone"')
    assert text.count(f">{drawing.PLUS}</text>") == 2, "one in the legend"
    assert text.count(f">{drawing.MINUS}</text>") == 2
    assert ".gone{stroke-dasharray" in text


def brightness(colour):
    """Return the relative luminance of a colour, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_colours_of_rights_are_told_apart_by_their_brightness_or_hue_alone():
    """Neither two of them that red-green blindness makes one: their blue or their brightness differs."""
    colours = [drawing.COLOURS[name] for name in ("r--", "rw-", "r-x", "rwx")]
    for place, one in enumerate(colours):
        for other in colours[place + 1 :]:
            light, dark = sorted((brightness(one) + 0.05, brightness(other) + 0.05), reverse=True)
            blue = abs(int(one[5:], 16) - int(other[5:], 16))
            assert light / dark > 1.3 or blue > 60, (one, other)


def boxes(text):
    """Return the box of every text of a picture: (left, top, right, bottom, text)."""
    found = []
    for each in ElementTree.fromstring(text).iter(f"{SVG}text"):
        x, y, size = float(each.get("x")), float(each.get("y")), float(each.get("font-size"))
        found.append((x, y - size * 0.8, x + LETTER * size * len(each.text or ""), y + size * 0.1, each.text))
    return [box for box in found if box[4]]


@pytest.mark.parametrize("levels", [4, 5])
def test_nothing_crosses_a_label(snapshots, levels):
    """No label touches another, and all are drawn after everything else, on the ground's colour."""
    wanted = snapshots[1] if levels == snapshots[1]["levels"] else machine([pages(0, 9, 0)], levels=levels)
    before = machine([pages(n, 1, 3 * n) for n in range(0, 512, 20)], levels=levels)
    for each, other in ((wanted, snapshots[0]), (wanted, before), (before, wanted)):
        check_labels(drawing.Drawing(each, other).svg())


def check_labels(text):
    """Check that no label of a picture touches another, and that all are drawn last."""
    labels = boxes(text)
    for place, (left, top, right, bottom, one) in enumerate(labels):
        for other in labels[place + 1 :]:
            apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
            assert apart, (one, other[4])
    root = ElementTree.fromstring(text)
    kinds = [each.tag.removeprefix(SVG) for each in root]
    assert set(kinds[kinds.index("text") :]) == {"text"}
    assert re.search(r"text\{[^}]*paint-order:stroke;stroke:var\(--ground\)", text)
    width = float(root.get("viewBox").split()[2])
    assert max(box[2] for box in labels) <= width


def test_a_fifth_level_is_one_more_column():
    four, five = (drawing.Drawing(machine([pages(0, 9, 0)], levels=levels)) for levels in (4, 5))
    assert five.ram_x - four.ram_x == drawing.COLUMN_STEP
    assert "P5 (root)" in five.svg()


def test_no_entry_is_too_thin_to_be_seen_and_none_hides_another():
    runs = [pages(n, 1, 3 * n) for n in range(500, 512)] + [pages(0, 490, 4096)]
    places = drawing.places_of(sorted(runs), drawing.TABLE_HEIGHT)
    assert all(height >= drawing.SMALLEST - 0.01 for _, height in places)
    assert all(a + height <= b + 0.01 for (a, height), (b, _) in itertools.pairwise(places))
    assert places[-1][0] + places[-1][1] <= drawing.TABLE_HEIGHT + 0.01


def test_a_right_that_changed_changes_the_colour():
    green, blue = (drawing.COLOURS[name] for name in ("rw-", "r--"))
    one, other = (drawing.Drawing(machine([pages(0, 9, 0, rights)])).svg() for rights in (READ_ONLY | 2, READ_ONLY))
    assert (one.count(f'fill="{green}"'), other.count(f'fill="{green}"')) == (3, 1)
    assert (one.count(f'fill="{blue}"'), other.count(f'fill="{blue}"')) == (1, 3)
