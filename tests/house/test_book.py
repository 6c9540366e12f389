"""What the book shows is what happens: each chapter is typed again on a fresh machine, each picture drawn again."""

import book
import machine
import pytest
from harness.guard import SHOWS_ALL
from harness.sessions import typed_in_a_machine
from harness.transcripts import Numbers, Stale, pictures, sessions

CHAPTERS = sorted((machine.ROOT / "docs" / "book").glob("*.md"))


@SHOWS_ALL
@pytest.mark.four_levels
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_happens_as_shown(boot, tmp_path, chapter):
    assert sessions(chapter.read_text(), chapter.name), f"{chapter.name} has nothing to type"
    type_all(boot, tmp_path, chapter.read_text(), chapter.name)


def type_all(boot, folder, text, name):
    """Type a whole text; raise Stale if it isn't what happens."""
    numbers = Numbers(text, name)
    for session in sessions(text, name):
        typed_in_a_machine(boot, folder, text, name, session, numbers)


DRAWN = [(chapter, words) for chapter in CHAPTERS for words in pictures(chapter.read_text())]


@SHOWS_ALL
@pytest.mark.four_levels
@pytest.mark.parametrize(("chapter", "words"), DRAWN, ids=lambda value: getattr(value, "stem", None) or value[-1])
def test_a_picture_shows_what_it_would_show_if_drawn_now(tmp_path, chapter, words):
    book.draw(words, tmp_path / "now.svg")
    there = (machine.ROOT / words[-1]).read_text()
    assert book.what_it_says(there) == book.what_it_says((tmp_path / "now.svg").read_text()), "make docs draws it again"
    assert f"]({(machine.ROOT / words[-1]).relative_to(chapter.parent)})" in chapter.read_text()


def test_a_picture_of_something_else_says_something_else():
    picture = '<path fill="#59a14f"/><rect class="mark"/><text>p0x1000</text><text>P2: p0x2000 rw-</text>'
    picture += '<polyline points="1,2 3,4"/>'
    assert book.what_it_says(picture) == book.what_it_says(picture.replace("1000", "7000")), "it lies elsewhere"
    for right, wrong in (
        ("rw-", "r--"),
        ("P2", "P1"),
        ("3,4", "3,5"),
        ("#59a14f", "#4c78a8"),
        ("<path", "<circle"),
        ('"mark"', '"mark gone"'),
    ):
        assert book.what_it_says(picture) != book.what_it_says(picture.replace(right, wrong, 1)), wrong
    twice = picture + '<rect class="mark"/>'
    assert book.what_it_says(picture) != book.what_it_says(twice), "another entry is new"


SHOWN = """
<!-- varies
its frame: 0x12e
pages: 1054875
-->
```clew
clew> walk
p0x12e018 = 0x800000000012e063 of 1054875
```
"""


def agree(*lines, text=SHOWN):
    """Answer whether lines are what the text's last line says, one after the other, on one machine."""
    numbers = Numbers(text, "a text")
    return [numbers.agree("p0x12e018 = 0x800000000012e063 of 1054875", line) for line in lines]


def test_only_what_is_named_may_vary_and_only_as_one_number():
    assert agree("p0x12e018 = 0x800000000012e063 of 1054875") == [True]
    assert agree("p0x1e018 =   0x800000000001e063 of 99") == [True], "it lies elsewhere"
    assert agree("p0x1e018 = 0x800000000001f063 of 99") == [False], "one frame became two"
    assert agree("p0x12e010 = 0x800000000012e063 of 1054875") == [False], "an offset is no place"
    assert agree("p0x12e018 = 0x800000000012e067 of 1054875") == [False], "a flag is no place"
    assert agree("p0x12e018 = 0x900000000012e063 of 1054875") == [False]
    assert agree("p0x12e018 = 0x800000000012e063 of 0x99") == [False]
    assert agree("p0x12e018 = 0x800000000012e063 of 7", "p0x12e018 = 0x800000000012e063 of 8") == [True, False]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("small: 42", "names no number of 3 digits"),
        ("any: .*", "names no number"),
        ("again: 0x12e", "is named twice"),
        ("elsewhere: 0x4444", "is nowhere"),
    ],
)
def test_what_may_not_vary_is_refused(row, reason):
    with pytest.raises(Stale, match=reason):
        Numbers(SHOWN.replace("its frame: 0x12e", f"its frame: 0x12e\n{row}"), "a text")


TYPED = """
# A chapter

```clew
clew> 6 * 7
42
```

```clew
clew> for i in range(2): print(i)
...
0
1
```
"""


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("42", "43", r"a text, block 1, line 5: '6 \* 7' prints\n    42\nwhich the text shows as\n    43"),
        ("0\n", "", "a text, block 2, line 11: ''"),
        (
            "6 * 7",
            "6 * (7",
            r"a text, block 1, line 5|block 2, line 10: .* is shown behind 'clew>', but the prompt is '...'",
        ),
        ("...\n", "", "a text, block 2, line 10: .* prints"),
        ("clew> 6 * 7\n", "", "a text, block 1, line 5: a prompt comes first, not '42'"),
        (
            "```clew\nclew> 6",
            "```sh\nmake run CPUSES=2\n```\n```clew\nclew> 6",
            "a text, block 1.*make run has no CPUSES",
        ),
    ],
)
def test_a_block_that_fails_names_text_block_and_line(boot, tmp_path, wrong, right, said):
    text = TYPED.replace(wrong, right, 1)
    with pytest.raises(Stale, match=said):
        type_all(boot, tmp_path, text, "a text")


def test_a_number_that_varies_is_not_typed(boot, tmp_path):
    text = "<!-- varies\nit: 0x1234\n-->\n" + TYPED.replace("6 * 7\n42", "0x1234\n4660")
    with pytest.raises(Stale, match="a text, block 1, line 8: '0x1234' types a number that varies"):
        type_all(boot, tmp_path, text, "a text")


def test_a_chapter_as_it_is_passes(boot, tmp_path):
    type_all(boot, tmp_path, TYPED, "a text")
