"""A page fault at every access to tables, of every call that maps, changes or unmaps: nothing is lost or left locked.

The MMU refuses the n-th load or store that the engine does on what the physical window shows, for every n until the
call comes to its end untroubled (`_inject.refuse`); long runs in one table count once. Then the guard is left, Ctrl-C
works, the audit finds nothing, and when what is left has been taken away, all counts are what they were. With `whole`,
the refused frame stays out of reach until the call is over, so that undoing may fault, too: then the audit says so, and
it is undone later.
"""

import ast

import pytest
from on_target import source

from .test_injection import OPERATIONS

PAGING = [
    "map_to",
    "map_numbers",
    "map_numbers of huge pages",
    "map with parents' flags",
    "unmap",
    "unmap_numbers",
    "unmap_numbers of huge pages",
    "update_flags",
    "update_numbers",
    "set_flags_p2_entry",
    "clean_up",
]
# Hundreds of accesses that differ in nothing but the place: a part of them will do.
MOST_TRIES = 8


@pytest.fixture
def refused(kernel):
    kernel.exec(source("memory/prelude"))
    kernel.exec(source("memory/injection"))
    kernel.exec(source("memory/refusals"))
    kernel.exec("at_start = state()\nfor_users(True)")
    yield kernel
    kernel.exec("for_users(False)")
    assert kernel.eval("(state() == at_start, memory.verify().violations)") == (True, [])


def test_every_operation_is_listed(refused):
    assert sorted(refused.eval("list(PAGING)")) == sorted(PAGING)


def tried(kernel, operation, **how):
    """Try one operation; return (how many accesses were refused, how many of them left damage for a while)."""
    accesses = kernel.eval(f"accesses({operation!r}, {how.get('every', False)})")
    step = max(1, accesses // MOST_TRIES)
    call = f"refuse_all({operation!r}, {step}, {how.get('every', False)}, {how.get('whole', False)})"
    tries, damaged, wrong = ast.literal_eval(kernel.text(call, timeout=120))
    assert wrong == [], f"{call}: {wrong}"
    assert tries > accesses // step
    return tries, damaged


@pytest.mark.parametrize("operation", PAGING + OPERATIONS)
def test_a_refused_access_loses_nothing(refused, operation):
    """Once, or until the call is over."""
    tried(refused, operation)
    tried(refused, operation, whole=True)


@pytest.mark.parametrize(
    ("operation", "is_damaged"),
    [
        ("map_numbers", False),
        ("unmap_numbers", False),
        ("create_mapping of a few", True),
        ("map_allocated_pages_to", True),
        ("drop", False),
        ("drop of many", False),
    ],
)
def test_a_refused_access_in_the_middle_of_a_table_loses_nothing(refused, operation, is_damaged):
    """A table out of reach, a part of whose entries is written, is damaged for a while."""
    assert tried(refused, operation, every=True)[0] >= 10
    if is_damaged:
        assert tried(refused, operation, every=True, whole=True)[1] >= 2


def test_the_watch_counts_and_ends(refused):
    """Is it the n-th access that is refused, a real page fault, and is nothing refused after it?"""
    refused.exec("""
        entry = WINDOW + (table.root << 12) + 8 * 300
        def look():
            _memory.load64(entry)
            _memory.load64(entry + 8 * 20)
            store64(entry + 8 * 20, _memory.load64(entry + 8 * 20))
        left = watched(MANY, True, False, look)[2]
        made, raised, _ = watched(3, True, False, look)
        """)
    assert refused.eval("MANY - left") == 3, "a load, another one, and a store where that was"
    found = "(type(raised).__name__, raised.error_code.write, raised.error_code.present)"
    assert refused.eval(found) == ("PageFault", True, True)
    assert refused.eval("raised.address.value == (entry + 8 * 20) & (1 << 64) - 1")
    assert refused.eval("watched(0, True, False, look)[1:]") == (None, 0)
