"""The policies, a file each. They are imported when they are first asked for."""

from ..errors import UnknownPolicy
from ..policy import Policy

CLASSES = {
    "fifo": "Fifo",
    "clock": "Clock",
}
NAMES = tuple(CLASSES)


def policy_of(which):
    """Return the Policy class that is meant: by its name, or itself. Raises UnknownPolicy."""
    if isinstance(which, type) and issubclass(which, Policy):
        return which
    if which not in CLASSES:
        raise UnknownPolicy(which, NAMES)
    file = "replacement.policies." + which
    return getattr(__import__(file, None, None, [CLASSES[which]]), CLASSES[which])
