"""Lab 6: a replacement policy, the generous clock."""

from replacement import Policy

MOST = 3
"""The most credit that a page can have."""


class Generous(Policy):
    """See the lab's text. kernel/replacement/policy.py says what a policy is told and asked."""

    name = "generous"

    def victim(self):
        """Return the page that has to go."""
        raise NotImplementedError("Generous.victim()")


if __name__ == "__main__":  # what `make lab` runs, and the grader does not
    from replacement.laboratory import faults_in

    faults = list(faults_in([1, 2, 3, 1, 4, 1, 5], Generous, 3))
    for at in range(0, len(faults), 2):
        place, page = faults[at : at + 2]
        print("reference", place, "is a fault;", "nobody goes" if page < 0 else "page %d goes" % page)
