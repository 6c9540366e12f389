"""`flat`: for classes whose methods are called all the time."""


def flat(cls):
    """Make a class of its own out of a subclass: MicroPython looks everything up along the bases, at 500 a time."""
    return type(cls.__name__, (), members_of(cls))


def members_of(cls):
    """What a class has, its own and its bases'."""
    members = {}
    for base in cls.__bases__:
        if base is not object:
            members.update(members_of(base))
    members.update(cls.__dict__)
    return members
