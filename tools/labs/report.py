"""The report of a grading, for a terminal of 80 columns."""

import textwrap

WIDTH = 79


def lines_of(lab, grades):
    """Yield the lines about one file: each check with its points, what failed in more words, and the total."""
    yield f"{lab}: {grades.path}"
    yield ""
    before = None
    for result in grades.results:
        mark = "--" if result.found else "ok"
        yield f"  {mark} {result.points:3}/{result.of:<3} {result.check.replace('_', ' ')}"
        if result.found:
            yield from part("asked", result.asked)
            yield from part("found", "as above" if result.found == before else result.found)
            yield from part("look", result.look)
            before = result.found
    if grades.refused:
        yield from part("found", grades.refused)
    yield ""
    yield f"  {total(grades.results)} of {sum(result.of for result in grades.results)} points"
    yield ""


def summary_of(grades):
    """Return the line about one file: points, those that there are, the file, and why it has no checks."""
    if grades.refused:
        return [f"   0         {grades.path}: {grades.refused}"]
    return [f"{total(grades.results):4} of {sum(result.of for result in grades.results):<3}  {grades.path}"]


def part(name, text):
    """Yield the lines of one part: its name, then the text, broken between words; nothing in it moves a cursor."""
    lead = f"            {name + ':':7}"
    for line in text.split("\n"):
        words = {"width": WIDTH, "initial_indent": lead, "subsequent_indent": " " * 19}
        shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
        yield from textwrap.wrap(shown, break_on_hyphens=False, **words) or [lead]
        lead = " " * 19


def total(results):
    """Return the sum of the points."""
    return sum(result.points for result in results)
