# What the storms share: mappings of the model, numbers that act when they are asked for, and what comes in between.
# Runs after prelude.py, and before storm.py.
class Live:
    """A mapping of the model: its byte, and whether it can be written to."""

    def __init__(self, mapping, byte, writable):
        self.mapping = mapping
        self.byte = byte
        self.writable = writable


class Evil:
    """A number that does something when it is asked for."""

    def __init__(self, value, act):
        self.value = value
        self.act = act

    def __int__(self):
        self.act()
        return self.value

    __index__ = __float__ = __int__


class Complaint(Exception):
    """What is wrong."""


def nothing(*arguments):
    """Do nothing."""


def disarm():
    """Nothing comes in between any more."""
    _inject.fail_allocation(0)
    _inject.call(0, None)
    _inject.interrupt(0)


def between_audit(_):
    memory.verify()


def between_map(_):
    create_mapping(4096, WRITE).drop()


def deep(depth, act):
    """Call act() so many calls deeper."""
    return deep(depth - 1, act) if depth else act()
