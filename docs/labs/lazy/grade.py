"""Grader of lab 3: what is mapped by the host's walk, what lies in RAM, and which touches are page faults."""

from labs import touching
from labs.points import points
from labs.touching import expect_byte, expect_mapped, expect_touch

PRELUDE = touching.PRELUDE
COUNT = 16


def begin(student, most=COUNT):
    """Make a Lazy of COUNT pages, of which none may be mapped."""
    student.run(f"lazy = student.Lazy(area(0, {COUNT}), {most})")
    expect_mapped(student, 0, COUNT, (), "before anything is touched")


@points(25, "kernel/faults/handlers.py: on_fault; memory.create_mapping_at")
def test_a_page_gets_a_frame_when_it_is_touched(student):
    """Only pages that were read or written are mapped, and what is written is there."""
    begin(student)
    expect_touch(student, "3", 0, "page 3 is read")
    expect_mapped(student, 0, COUNT, [3], "after page 3 was read")
    expect_touch(student, "9, 0x5a, 77", None, "page 9 is written")
    expect_mapped(student, 0, COUNT, [3, 9], "after page 9 was written")
    expect_byte(student, 9, 0x5A, "that was written", 77)
    frames = student.frames(touching.BASE, COUNT)
    assert frames[3] != frames[9], "pages 3 and 9 have the same frame"


@points(15, "memory.create_mapping_at clears what it maps; so does the first mapping of AllocatedFrames")
def test_frames_are_cleared(student):
    """A page that was touched first is all zeros, whoever had its frame before."""
    begin(student)
    student.run("""
        dirty = create_mapping(1 << 20, HEAP_FLAGS)
        for offset in range(0, 1 << 20, 512): mem8[dirty.start_address.value + offset] = 0xaa
        dirty.drop()
        """)
    for page in 0, 7, COUNT - 1:
        expect_touch(student, f"{page}", 0, f"page {page} is read")
        content = student.memory.read(student.leaf(touching.address(page)).pa, touching.PAGE)
        assert not any(content), f"page {page} holds what somebody else left in its frame"


@points(20, "a handler that does not return True: the fault is raised where it happened")
def test_no_more_than_the_limit(student):
    """With `most` pages in use, touching another is a PageFault, and the others stay."""
    begin(student, most=4)
    for page in 1, 5, 6, 12:
        expect_touch(student, f"{page}, {page}", None, f"page {page}, of at most four, is written")
    expect_touch(student, "2, 1", "PageFault", "a fifth page is written, and four is the limit")
    expect_mapped(student, 0, COUNT, [1, 5, 6, 12], "at the limit")
    for page in 1, 5, 6, 12:
        expect_byte(student, page, page, "that was written before the limit was met")


@points(20, 'MappedPages.drop(); SDM volume 3, "Invalidation of TLBs and Paging-Structure Caches"')
def test_what_is_released_is_as_new(student):
    """Released pages are not mapped, leave room for others, and read as zeros when they are touched again."""
    begin(student, most=6)
    student.run("for page in range(6): touch(page, 0x77)")
    student.run("lazy.release(area(2, 3))")
    expect_mapped(student, 0, COUNT, [0, 1, 5], "after pages 2 to 4 were released")
    expect_byte(student, 1, 0x77, "it was not released")
    expect_touch(student, "3", 0, "page 3, which was released, is read")
    for page in 9, 10:
        expect_touch(student, f"{page}, 1", None, f"page {page} is written, in the room of a released one")
    expect_touch(student, "11, 1", "PageFault", "a seventh page is written, and six is the limit")
    student.run("lazy.release(area(12, 2))")
    expect_mapped(student, 0, COUNT, [0, 1, 3, 5, 9, 10], "after pages were released that nobody had touched")


@points(20, "FaultHandler.cancel(); MappedPages.drop(); the command `verify`")
def test_drop_gives_everything_back(student):
    """After drop() nothing is mapped, all frames are free, and faults are nobody's."""
    student.run("once()")
    before = student.value("free()")
    begin(student)
    student.run("for page in range(0, 16, 3): touch(page, 1)")
    expect_mapped(student, 0, COUNT, range(0, COUNT, 3), "after every third page was written")
    student.run("lazy.drop()")
    expect_mapped(student, 0, COUNT, (), "after drop()")
    expect_touch(student, "3", "PageFault", "page 3 is read after drop()")
    touching.expect_nothing_lost(student, before)
