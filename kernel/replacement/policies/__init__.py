"""The policies, a file each; they are imported when they are first asked for.

What a policy does is said in the docstring of its class, and judged by `make replacement`.
"""

from ..errors import UnknownPolicy
from ..policy import Policy

FILES = {"2q": "two_q"}  # where that is not the name
POLICIES = (
    ("opt", "Opt"),
    ("fifo", "Fifo"),
    ("clock", "Clock"),
    ("enhanced", "Enhanced"),
    ("aging", "Aging"),
    ("lfu", "Lfu"),
    ("nru", "Nru"),
    ("wsclock", "WsClock"),
    ("2q", "TwoQ"),
    ("random", "Random"),
)
CLASSES = dict(POLICIES)
NAMES = tuple([name for name, _ in POLICIES])


def policy_of(which):
    """Return the Policy class that is meant: by its name, or itself. Raises UnknownPolicy."""
    if isinstance(which, type) and issubclass(which, Policy):
        return which
    if which not in CLASSES:
        raise UnknownPolicy(which, NAMES)
    file = "replacement.policies." + FILES.get(which, which)
    return getattr(__import__(file, None, None, [CLASSES[which]]), CLASSES[which])
