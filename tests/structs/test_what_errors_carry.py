"""What a refusal says to a program: attributes by the names of the docstrings; and to a person: one line."""

import pytest

# How an error is made, the names of its attributes with what they are then, and words of its line.
CARRIED = {
    "FrameAllocationFailed(0x405, 3, 1)": ("page 0x405 level 0 flags 0 needed 3 given 1", "v0x405000: needs 3 frames"),
    "ParentEntryHugePage(0x405, 2, 0x83, 0x99)": ("page 0x405 level 2 flags 0x83 frame 0x99", "v0x405000: lies inside"),
    "SmallerPages(0x405, 2, 0x3, 0x99)": ("page 0x405 level 2 flags 3 frame 0x99", "its P2 entry leads to the table"),
    "PageAlreadyMapped(0x405, 1, 7, 0x99, 0x98)": (
        "page 0x405 level 1 flags 7 mapped 0x99 offered 0x98",
        "v0x405000: is mapped to p0x99000 already, so it can't be mapped to p0x98000",
    ),
    "TableInTheWay(0x400, 2, 7, 0x99, 0x98)": ("page 0x400 level 2 flags 7 mapped 0x99 offered 0x98", "at p0x99000"),
    "StaleEntry(0x405, 1, 6, 0x99, 0x98)": ("page 0x405 level 1 flags 6 mapped 0x99 offered 0x98", "so p0x98000 can't"),
    "StaleParentEntry(0x405, 3, 6, 0x99)": (
        "page 0x405 level 3 flags 6 frame 0x99",
        "v0x405000: its P3 entry is not present but names p0x99000",
    ),
    "PageNotMapped(0x405, 3)": ("page 0x405 level 3 flags 0", "v0x405000: is not mapped: its P3 entry"),
    "PageNotMapped(0x405, 3, 6)": ("page 0x405 level 3 flags 6", "its P3 entry is not present"),
    "InvalidFrameAddress(0x405, 3, 7, 0x99, 'so')": (
        "page 0x405 level 3 flags 7 frame 0x99",
        "v0x405000: its P3 entry leads to p0x99000: so",
    ),
    "MalformedEntry(0x405, 3, 7, 0x99)": ("page 0x405 level 3 flags 7 frame 0x99", "v0x405000: its P3 entry leads to"),
    "KernelInUse(0x405, 'text')": ("page 0x405 level 0 flags 0 name 'text'", "v0x405000: belongs to text"),
    "ContradictoryFlags(7, 'so')": ("flags 7 reason 'so'", "7: so"),
    "TechniqueUnavailable('identity', 'so')": ("name 'identity' reason 'so'", "identity: so"),
    "OutOfRange(5, 'this', 'that')": ("value 5 allowed 'this'", "is outside this; that"),
    "AcrossTheHole(1, 2)": ("first 1 last 2", ""),
    "Misaligned(5, 4, 3)": ("value 5 alignment 4 below 3", "is not aligned to"),
    "ReversedRange(2, 1)": ("first 2 last 1", "lies behind"),
    "EmptyRange('start')": ("question 'start'", "an empty range has no start"),
    "OutOfPages(3)": ("count 3 request None largest None", "no 3 free pages"),
    "OutOfFrames(3, 'Any()', 2)": ("count 3 request 'Any()' largest 2", "for Any(); the largest free run has 2"),
    "OutOfBookkeeping('pool', 9)": ("allocator 'pool' owners 9", "pool follows 9 owners"),
    "AddressInUse(1, 2)": (
        "requested 1 overlap 2",
        "1 is not free: 2 is in use by another owner",
    ),
    "AddressInUse(1, 2, 'me')": ("requested 1 overlap 2 holder 'me'", "in use by me"),
    "UseAfterMove('it', 'drop()')": ("owner 'it' consumer 'drop()'", "it is dead: consumed by drop()"),
    "NotTouching(1, 2, 'so')": ("first 1 second 2 reason 'so'", "1 and 2 cannot be merged: so"),
    "IllegalState('it', 'lent', 'go')": ("owner 'it' state 'lent' step 'go'", "it is lent: it cannot go"),
    "NotInitialized('memory')": ("what 'memory'", "memory is not initialised"),
    "Reentered('take()')": ("what 'take()'", "take() is not re-entrant"),
}


@pytest.mark.parametrize("made", CARRIED)
def test_an_error_carries_what_it_is_about(kernel, made):
    words = CARRIED[made][0].split()
    kernel.exec(f"""
        from memory_structs import errors
        from paging import refusals
        error = eval({made!r}, {{name: getattr(room, name) for room in (errors, refusals) for name in dir(room)}})
        """)
    for name, value in zip(words[::2], words[1::2], strict=True):
        assert kernel.eval(f"error.{name} == {value}"), name
    assert CARRIED[made][1] in kernel.eval("str(error)")
    assert kernel.eval("'\\n' in str(error)") is False
