"""What judges malformed calls and storms sees what is wrong; and the campaign names the command that shows it again."""

import pytest
import storms
from on_target import source

# (the error, what was given, names of the parameters, what was tried), and whether the judge complains.
ERRORS = {
    "AttributeError(\"'int' object has no attribute '_number'\"), [5], ['page'], 'call'": True,
    "AttributeError(\"'int' object has no attribute '_number'\"), [5], ['page'], 'operator'": True,
    "AttributeError(\"'PageTable' object: attribute 'root' can't be set\"), [5], ['root'], 'store'": False,
    "NameError('local variable referenced before assignment'), [5], ['page'], 'call'": True,
    "KeyError(5), [5], ['page'], 'call'": True,
    "AssertionError(), [5], ['page'], 'call'": True,
    "ZeroDivisionError('divide by zero'), [0], ['count'], 'call'": True,
    "RuntimeError(), [5], ['page'], 'call'": True,
    "UnicodeError(), [b'xy'], ['name'], 'call'": True,
    "MemoryError('memory allocation failed, allocating 4096 bytes'), [4096], ['count'], 'call'": True,
    "MemoryError('there is no memory for a count of 4096'), [4096], ['count'], 'call'": False,
    "IndexError('list index out of range'), [None], ['page'], 'call'": True,
    "IndexError('tuple index out of range'), [77], ['page'], 'subscript'": False,
    "ValueError('wrong'), [77], ['alignment'], 'call'": True,
    "ValueError(), [77], ['alignment'], 'call'": True,
    "ValueError('alignment must be a power of two'), [77], ['alignment'], 'call'": False,
    "ValueError('there are no 77 pages'), [77], ['count'], 'call'": False,
    "OverflowError('overflow converting long int to machine word'), [1 << 70], ['count'], 'call'": True,
    "TypeError(\"can't convert NoneType to int\"), [None], ['count'], 'call'": True,
    "TypeError('an int expected, not NoneType'), [None], ['count'], 'call'": False,
    "TypeError('wrong'), [None], ['count'], 'call'": True,
    "KernelError('nothing of that size is free'), [7], ['count'], 'call'": False,
    "KernelError(), [7], ['count'], 'call'": True,
}


def test_the_judge_of_errors_knows_those_of_the_insides(attacked):
    for name in "world", "judge":
        attacked.exec(source(f"attacks/{name}"))
    found = {case: attacked.eval(f"fault_of({case}) is not None") for case in ERRORS}
    assert found == ERRORS


# What a program leaves, and what the storm's end says of it.
LEFT = {
    "memory.allocate_pages(1)": "frames, pages and tables",
    "memory.allocate_frames(1)": "frames, pages and tables",
    "create_mapping(4096, WRITE)": "records",
    "PageTable.new_table(K)": "records",
    "on_fault(pages_from(at(LOW), 1), nothing)": "handlers",
    "OffsetPageTable().map_to(at(LOW), Frame(0x100), DATA, tf)": "audit",
    "_critical.enter()": "guard",
    "bytearray(40000)": "heap",
}


def test_the_end_of_a_storm_sees_what_did_not_come_back(attacked):
    for name in "storm_tools", "storm":
        attacked.exec(source(f"attacks/{name}"))
    attacked.exec("it = Storm(1, 'doors')")
    assert attacked.eval("it.finish()") == []
    said = {}
    for left in LEFT:
        attacked.exec(f"it = Storm(1, 'doors'); left = {left}")
        said[left] = " ".join(text for _, text in attacked.eval("it.finish()"))
        attacked.exec("""
            while _critical.depth(): _critical.leave()
            for handler in handlers.handlers(): handler.cancel()
            end = getattr(left, "drop", None) or getattr(left, "ignore", nothing)
            end()
            if K.translate(VirtualAddress(LOW)):
                OffsetPageTable().unmap(at(LOW))[-1].flush()
            left = end = None
            """)
    assert {left: text for left, text in said.items() if f": {LEFT[left]}: " not in text} == {}


def test_the_jobs_of_a_campaign_are_all_that_was_asked_for():
    jobs = storms.jobs_of(7, 200_000, 15_000)
    done = {}
    for job in jobs:
        kind = job.words["kind"]
        done[kind] = done.get(kind, 0) + job.words["count"]
    assert done.pop(storms.MALFORMED) == 15_000
    assert done == dict.fromkeys(storms.KINDS, 40_000)
    assert len({(job.words["kind"], job.words["seed"]) for job in jobs}) == len(jobs)
    assert min(job.words["seed"] for job in jobs) == 7
    assert [job.words for job in storms.jobs_of(3, 4, 0, ["views"])] == [{"kind": "views", "seed": 3, "count": 4}]


@pytest.mark.parametrize("kind", [storms.MALFORMED, "views"])
def test_a_complaint_comes_with_the_command_that_shows_it_again(monkeypatch, kind):
    monkeypatch.setattr(storms, "run", lambda *_: (40, [(41, "operation 40: it broke\nand more")]))
    answer = storms.perform(kind, 9, 100)
    again = {
        storms.MALFORMED: "make storms SEED=9 N=0 CALLS=41",
        "views": "make storms SEED=9 N=41 CALLS=0 ARGS='--kind views'",
    }
    assert answer["disagreements"] == [(f"{kind}, seed 9: operation 40: it broke", again[kind])]
    assert list(answer["counts"].values()) == [40]
