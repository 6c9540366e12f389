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
