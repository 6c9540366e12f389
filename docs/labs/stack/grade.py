"""Grader of lab 5: what is mapped by the host's walk, and which touches are growth, mistakes, or the end."""

from labs import touching
from labs.points import points
from labs.touching import expect_byte, expect_mapped, expect_touch

PRELUDE = touching.PRELUDE
COUNT = 64
NEAR = 16


def begin(student):
    """Make a stack of COUNT pages, of which none may be mapped."""
    student.run(f"stack = student.GrowingStack(area(0, {COUNT}))")
    expect_mapped(student, 0, COUNT, (), "before anything is touched")


def push(student, page, offset=4088):
    """Write to a page of the stack, as growth."""
    expect_touch(student, f"{page}, {page}, {offset}", None, f"page {page} of the stack is written")


@points(25, "kernel/faults/handlers.py: on_fault; a stack has no holes")
def test_it_grows_as_deep_as_it_is_used(student):
    """Everything from the touched page up to the end is mapped, and nothing below."""
    begin(student)
    for page in 63, 62, 60, 50, 50 - NEAR:
        push(student, page)
        expect_mapped(student, 0, COUNT, range(page, COUNT), f"after page {page} was written")
    for page in 63, 60, 34:
        expect_byte(student, page, page, "that was written", 4088)
    expect_byte(student, 40, 0, "nobody has written it")


@points(20, "what a handler raises is raised where the fault was")
def test_the_guard_is_never_mapped(student):
    """Touching the lowest page raises StackExhausted, each time, also when the stack could grow so far."""
    begin(student)
    for page in range(COUNT - 1, 0, -NEAR):
        push(student, page)
    push(student, 1)
    for act in "0", "0, 1, 4095", "0, 1":
        expect_touch(student, act, "StackExhausted", "the guard page is touched")
    expect_mapped(student, 0, COUNT, range(1, COUNT), "at the guard page")


@points(20, "a handler that does not return True: the fault is raised where it happened")
def test_a_jump_is_a_mistake(student):
    """More than NEAR pages below what is mapped is a PageFault, and maps nothing."""
    begin(student)
    expect_touch(student, f"{COUNT - NEAR - 1}, 1", "PageFault", "a page of an empty stack is written")
    expect_mapped(student, 0, COUNT, (), "after that mistake")
    push(student, COUNT - NEAR)
    for page in COUNT - 2 * NEAR - 1, 5:
        expect_touch(student, f"{page}", "PageFault", f"page {page} is read, with {COUNT - NEAR} the lowest mapped")
    expect_mapped(student, 0, COUNT, range(COUNT - NEAR, COUNT), "after these mistakes")


@points(20, "MappedPages.drop()")
def test_trim_gives_back_what_lies_below(student):
    """The page of the address stays; what was below is not mapped, and reads as zeros when it grows there again."""
    begin(student)
    for page in 60, 50, 40:
        push(student, page)
    for offset, kept in (100, 45), (0, 46), (4095, 47):
        student.run(f"stack.trim({touching.address(kept, offset)})")
        expect_mapped(student, 0, COUNT, range(kept, COUNT), f"after trim() to byte {offset} of page {kept}")
    expect_touch(student, "40, None, 4088", 0, "page 40, which was trimmed, is read")
    expect_mapped(student, 0, COUNT, range(40, COUNT), "after page 40 was read again")
    expect_byte(student, 50, 50, "it was not trimmed", 4088)


@points(15, "FaultHandler.cancel(); the command `verify`")
def test_drop_gives_everything_back(student):
    """256 bytes at a time are pushed down a stack, with at most one fault for a page; after drop() nothing is left."""
    student.run("once()")
    before = student.value("free()")
    begin(student)
    first, last = touching.address(2), touching.address(COUNT)
    student.run(f"""
        taken = traps.taken()
        for at in range({last - 1}, {first}, -256): mem8[at] = 1
        taken = traps.taken() - taken
        """)
    faults = student.value("taken")
    assert 0 < faults <= COUNT - 2, f"{faults} faults were taken for {COUNT - 2} pages"
    expect_mapped(student, 0, COUNT, range(2, COUNT), "after all pages from page 2 on were written")
    student.run("stack.drop()")
    expect_mapped(student, 0, COUNT, (), "after drop()")
    expect_touch(student, "63, 1", "PageFault", "page 63 is written after drop()")
    touching.expect_nothing_lost(student, before)
