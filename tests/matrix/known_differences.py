"""What a machine is known to do otherwise than the SDM says: a TOML file, each entry with its reason.

[processor]                      # what the oracle can model, a field of oracle.permissions.Processor, and why
upper_accessed_on_fault = "the SDM leaves it open"

[[difference]]                   # cases that may differ; all but `why` are words of a disagreement's line
why = "reported to the vendor in May"
block = "1 GiB pages"            # may be left out, as may access
access = "user write, primed"
expected = "page fault P|W|U"
found = "page fault W|U"
"""

import tomllib
from dataclasses import dataclass

from matrix.judge import LIBERTIES, in_words, words

NEEDED, ALLOWED = {"why", "expected", "found"}, {"why", "expected", "found", "block", "access"}


@dataclass(frozen=True)
class Known:
    """The differences that a file names. liberties: fields of Processor that are true; differences: dictionaries."""

    liberties: tuple = ()
    differences: tuple = ()

    def reason_for(self, disagreement):
        """Return why a disagreement is no complaint, or None."""
        said = {
            "block": disagreement.block.name,
            "access": in_words(disagreement.access),
            "expected": words(disagreement.expected),
            "found": words(disagreement.found),
        }
        for difference in self.differences:
            if all(said[name] == value for name, value in difference.items() if name != "why"):
                return difference["why"]
        return None


def parse(text):
    """Return what a file's text says. Raises ValueError for what means nothing: a slip must hide nothing."""
    found = tomllib.loads(text)
    liberties, differences = found.pop("processor", {}), found.pop("difference", [])
    if found:
        raise ValueError(f"{', '.join(found)}: only [processor] and [[difference]] mean something")
    unknown = set(liberties) - set(LIBERTIES)
    if unknown:
        raise ValueError(f"[processor] {', '.join(sorted(unknown))}: the oracle models {', '.join(LIBERTIES)}")
    for difference in differences:
        if not set(difference) <= ALLOWED or not set(difference) >= NEEDED:
            raise ValueError(f"a [[difference]] has why, expected, found, and may have block, access: {difference}")
    reasons = [*liberties.values(), *(value for difference in differences for value in difference.values())]
    if not all(isinstance(reason, str) and reason for reason in reasons):
        raise ValueError("every value is a text that says something")
    return Known(tuple(liberties), tuple(differences))
