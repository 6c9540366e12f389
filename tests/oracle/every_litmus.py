"""All litmus tests of two processors with up to four acts in all, each once.

Page x has an entry that may change, page y is for messages. What the acts are, and what there is to begin with:

    x   read, write, unmap, map read-only, map to another frame, clear DIRTY, clear WRITABLE, INVLPG, shootdown
    y   read, write          no page    fence
    x begins dirty, clean, read-only or not present; y begins dirty, so that writing it leaves no trace but its value

Of tests that differ only in which processor is called 0 there is one; frames and values have their names by order. A
test is left out when it could say nothing of its own:

* nothing is read or written, or what one processor changes is a page that the other does not access;
* a fence or INVLPG is the first or the last act of its processor: there is nothing before, or after, to be told from
  it; a shootdown is the last act: nobody can know that it is over;
* a fence stands next to an act that empties the store buffer in any case, or two flushes are the same;
* INVLPG is for an entry that nobody changes: a fence says the same (a shootdown is a fence on both sides, so it stays);
* x begins otherwise than dirty, and no act of the test could tell.
"""

import itertools

from oracle.litmus_texts import read_test

ACTS_MAX = 4
STARTS = {
    "dirty": "x -> a writable accessed dirty",
    "clean": "x -> a writable accessed",
    "read-only": "x -> a accessed",
    "absent": "x -> nothing",
}
READ_X, READ_Y, WRITE_X, WRITE_Y = "read x", "read y", "write x", "write y"
UNMAP, READ_ONLY, ELSEWHERE = "x -> nothing", "x -> a accessed", "x -> c writable accessed dirty"
CLEAN, PROTECT = "clear x dirty", "clear x writable"
INVLPG, SHOOTDOWN, FENCE = "invlpg x", "shootdown x", "fence"
ACTS = (*(READ_X, READ_Y, WRITE_X, WRITE_Y, UNMAP, READ_ONLY, ELSEWHERE, CLEAN, PROTECT, INVLPG, SHOOTDOWN, FENCE),)
CHANGE_ENTRY = {UNMAP, READ_ONLY, ELSEWHERE, CLEAN, PROTECT}
EMPTY_THE_BUFFER = {CLEAN, PROTECT, INVLPG, SHOOTDOWN, FENCE}
FLUSH = {INVLPG, SHOOTDOWN}
ACCESS = {READ_X: "x", READ_Y: "y", WRITE_X: "x", WRITE_Y: "y"}


def says_something(first, second):
    """Is this a test: two lists of acts?"""
    lists = first, second
    acts = {*first, *second}
    if not all(is_telling(each) for each in lists) or all(SHOOTDOWN in each for each in lists):
        return False
    if INVLPG in acts and not acts & CHANGE_ENTRY:
        return False
    return any(changed(one) & accessed(other) for one, other in (lists, lists[::-1]))


def is_telling(acts):
    """Could each act of one processor be told from what is around it?"""
    if acts[0] in (FENCE, INVLPG) or acts[-1] in (FENCE, INVLPG, SHOOTDOWN):
        return False
    for one, other in itertools.pairwise(acts):
        if (FENCE in (one, other) and {one, other} <= EMPTY_THE_BUFFER) or {one, other} <= FLUSH:
            return False
    return True


def changed(acts):
    """Return the pages that one processor changes."""
    return {"x" for act in acts if act in CHANGE_ENTRY or act == WRITE_X} | {"y" for act in acts if act == WRITE_Y}


def accessed(acts):
    """Return the pages that one processor accesses."""
    return {ACCESS[act] for act in acts if act in ACCESS}


def starts_of(acts):
    """Return the names of the entries that x may begin with, those that some act could tell from dirty."""
    if not any("x" in act for act in acts):
        return ["dirty"]
    found = ["dirty"]
    if WRITE_X in acts or CLEAN in acts:
        found.append("clean")
    if WRITE_X in acts:
        found.append("read-only")
    if ELSEWHERE in acts or READ_ONLY in acts:
        found.append("absent")
    return found


def all_pairs():
    """Yield the pairs of lists of acts, each pair once."""
    for total in range(2, ACTS_MAX + 1):
        for count in range(1, total // 2 + 1):
            for first in itertools.product(ACTS, repeat=count):
                if not is_telling(first):
                    continue
                for second in itertools.product(ACTS, repeat=total - count):
                    if (len(first) < len(second) or first <= second) and says_something(first, second):
                        yield first, second


def text_of(name, start, pair):
    """Return a test's text; results and values are numbered as they come."""
    lines, values, results = [f"test {name}"], 10, 0
    frames = {entry.split()[2] for entry in (STARTS[start], *pair[0], *pair[1]) if "->" in entry} - {"nothing"}
    lines.append(f"start: {STARTS[start]}; y -> b writable accessed dirty")
    lines[-1] += "".join(f"; {frame} = {number}" for number, frame in enumerate("abc", 1) if frame in {*frames, "b"})
    for number, acts in enumerate(pair):
        parts = []
        for act in acts:
            if act in ACCESS:
                results += 1
                values += 1
                parts.append(f"r{results} = {act}" if act.startswith("read") else f"w{results} = {act} {values}")
            else:
                parts.append(act)
        lines.append(f"cpu {number}: " + "; ".join(parts))
    return "\n".join(lines)


def every_text():
    """Yield the text of each test; its name is a number and what x begins with."""
    for number, pair in enumerate(all_pairs()):
        for start in starts_of({*pair[0], *pair[1]}):
            yield text_of(f"{number}-{start}", start, pair)


def every_test():
    """Yield each Test."""
    for text in every_text():
        yield read_test(text)
