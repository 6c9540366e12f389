"""The report of a grading, for a terminal of 80 columns."""

import textwrap

WIDTH = 79


def lines_of(path, lab, results):
    """Yield the lines about one file: each check with its points, what failed in more words, and the total."""
    yield f"{lab}: {path}"
    yield ""
    before = None
    for result in results:
        mark = "--" if result.found else "ok"
        yield f"  {mark} {result.points:3}/{result.of:<3} {result.check.replace('_', ' ')}"
        if result.found:
            yield from part("asked", result.asked)
            yield from part("found", "as above" if result.found == before else result.found)
            yield from part("look", result.look)
            before = result.found
    yield ""
    yield f"  {total(results)} of {sum(result.of for result in results)} points"


def part(name, text):
    """Yield the lines of one part: its name, then the text, broken between words."""
    lead = f"            {name + ':':7}"
    for line in text.split("\n"):
        words = {"width": WIDTH, "initial_indent": lead, "subsequent_indent": " " * 19}
        yield from textwrap.wrap(line, break_on_hyphens=False, **words) or [lead]
        lead = " " * 19


def total(results):
    """Return the sum of the points."""
    return sum(result.points for result in results)
