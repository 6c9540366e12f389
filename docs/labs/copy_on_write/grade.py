"""Grader of lab 4: which frames are shared by the host's walk, and what lies in RAM after each write."""

from labs import touching
from labs.points import points
from labs.touching import address, expect_byte, expect_mapped, expect_touch, said

PRELUDE = touching.PRELUDE
COUNT = 8
# Where the spaces begin, as pages of the place.
A, B, C = (place * touching.PLACE_OF_ITS_OWN for place in range(3))


def begin(student):
    """Make Space `a`, with page n's bytes 0 and 100 being n + 1, and its copy `b`."""
    student.run(f"a = student.Space(area({A}, {COUNT}))")
    for page in range(COUNT):
        for offset in 0, 100:
            expect_touch(student, f"{A + page}, {page + 1}, {offset}", None, f"page {page} of a Space is written")
    student.run(f"b = a.copy(area({B}, {COUNT}))")
    expect_mapped(student, B, COUNT, range(B, B + COUNT), "after copy()")


def apart(student, one, other):
    """Return which pages of two spaces lead to different frames."""
    frames = [student.frames(address(first), COUNT) for first in (one, other)]
    return [page for page in range(COUNT) if frames[0][page] != frames[1][page]]


@points(20, "memory.SharedFrames, PageTable.map_shared and MappedPages.remap")
def test_a_copy_shares_all_frames(student):
    """After copy() both lead to the same frames, and neither may write them; what was there is there."""
    begin(student)
    found = apart(student, A, B)
    assert not found, f"pages {said(found)} of the copy lead to frames of their own, and nothing was written yet"
    for first, name in (A, "the original"), (B, "the copy"):
        writable = [page for page in range(COUNT) if student.leaf(address(first + page)).writable]
        assert not writable, f"pages {said(writable)} of {name} are writable, and their frames are shared"
        expect_byte(student, first + 5, 6, f"{name} holds it", 100)


@points(25, "fault.error_code.write and .present say that a shared page was written")
def test_a_write_is_the_writers_alone(student):
    """What one writes, the other does not see, in either direction; the rest of the page comes along."""
    begin(student)
    expect_touch(student, f"{B + 3}, 0x33", None, "page 3 of the copy is written")
    expect_byte(student, B + 3, 0x33, "the copy has written it")
    expect_byte(student, A + 3, 4, "the copy's write must not be the original's")
    expect_byte(student, B + 3, 4, "the rest of the page has to come along", 100)
    expect_touch(student, f"{A + 5}, 0x55", None, "page 5 of the original is written")
    expect_byte(student, A + 5, 0x55, "the original has written it")
    expect_byte(student, B + 5, 6, "the original's write must not be the copy's")
    expect_touch(student, f"{B + 5}", 6, "page 5 of the copy is read: its TLB entry")


@points(15, "only the page that was written: fault.page")
def test_only_what_is_written_is_copied(student):
    """Two pages are written; the others go on sharing their frames."""
    begin(student)
    for page in 2, 6:
        expect_touch(student, f"{B + page}, 1", None, f"page {page} of the copy is written")
    found = apart(student, A, B)
    assert found == [2, 6], f"pages 2 and 6 were written, and pages {said(found)} lead to other frames"


@points(20, "SharedFrames.users counts the mappings")
def test_a_copy_of_a_copy(student):
    """Three spaces share; each write is its writer's alone."""
    begin(student)
    student.run(f"c = b.copy(area({C}, {COUNT}))")
    assert not apart(student, A, C), "the copy's copy has frames of its own, and nothing was written yet"
    for first, value in (B, 0xBB), (C, 0xCC), (A, 0xAA):
        expect_touch(student, f"{first + 2}, {value}", None, "page 2 is written")
    for first, value in (A, 0xAA), (B, 0xBB), (C, 0xCC):
        expect_byte(student, first + 2, value, "each has written its own")
        expect_byte(student, first + 4, 5, "nobody has written it")


@points(10, "who is the last to have a frame needs no copy: MappedPages.remap")
def test_the_last_one_keeps_the_frame(student):
    """When the others have copies of their own, or are gone, the frame that is left is written as it is."""
    begin(student)
    before = student.frames(address(A), COUNT)
    expect_touch(student, f"{B + 1}, 0x11", None, "page 1 of the copy is written")
    expect_touch(student, f"{A + 1}, 0x12", None, "then page 1 of the original is written")
    student.run("b.drop()")
    expect_touch(student, f"{A + 4}, 0x44", None, "page 4 of the original is written, after the copy's drop()")
    after = student.frames(address(A), COUNT)
    for page, value in (1, 0x12), (4, 0x44):
        expect_byte(student, A + page, value, "it was written")
        assert after[page] == before[page], f"page {page} was copied to another frame, and nobody else had the first"


@points(10, "SharedFrames.drop(): its frames are free when the last mapping of them is gone")
def test_drop_gives_everything_back(student):
    """Spaces are dropped in any order; what the others have stays, and in the end all frames are free."""
    student.run("once()")
    before = student.value("free()")
    begin(student)
    student.run(f"c = b.copy(area({C}, {COUNT}))")
    expect_touch(student, f"{B + 2}, 0x22", None, "page 2 of the copy is written")
    student.run("a.drop()")
    expect_mapped(student, A, COUNT, (), "after drop()")
    for first, value in (B, 6), (C, 6):
        expect_byte(student, first + 5, value, "it is still a copy's")
    expect_touch(student, f"{C + 5}, 0x55", None, "page 5 of the copy's copy is written")
    expect_byte(student, B + 5, 6, "it is still the copy's")
    student.run("c.drop(); b.drop()")
    expect_mapped(student, B, COUNT, (), "after drop()")
    touching.expect_nothing_lost(student, before)
