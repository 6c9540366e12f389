"""`flat`: for classes whose methods are called all the time."""


def flat(cls):
    """Make a class of its own out of a subclass: MicroPython looks everything up along the bases, at 500 a time."""
    members = {}
    for base in cls.__bases__ + (cls,):
        members.update(base.__dict__)
    return type(cls.__name__, (), members)
