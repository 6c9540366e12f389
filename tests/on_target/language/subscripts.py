"""Subscripts of every kind of container, by every kind of index, read, written and deleted."""


class Own(list):
    def __getitem__(self, index):
        return "own", index


class Plain(list):
    pass


class Shaped:
    def __getitem__(self, index):
        return "shaped", index

    def __setitem__(self, index, value):
        print("set", index, value)

    def __delitem__(self, index):
        print("del", index)


class Bare:
    pass


SLICE = Shaped()[1:2][1]
MAKERS = (
    lambda: [1, 2, 3],
    lambda: [],
    lambda: (1, 2, 3),
    lambda: "abc",
    lambda: b"abc",
    lambda: bytearray(b"abc"),
    lambda: {0: "zero", True: "one", "a": 2},
    lambda: Own([1, 2, 3]),
    lambda: Plain([1, 2, 3]),
    Shaped,
    Bare,
    lambda: range(5),
    lambda: 5,
    lambda: None,
)
INDEXES = (0, 1, 2, 3, -1, -3, -4, True, 2**62 - 1, -(2**62), 2**62, 1.0, None, "a", SLICE)


def get(thing, index):
    return thing[index]


def put(thing, index):
    thing[index] = 65
    return list(thing) if isinstance(thing, (list, bytearray)) else "done"


def remove(thing, index):
    del thing[index]
    return list(thing) if isinstance(thing, list) else "done"


def add(thing, index):
    thing[index] += 1
    return list(thing) if isinstance(thing, (list, bytearray)) else "done"


for maker in MAKERS:
    for index in INDEXES:
        for act in (get, put, remove, add):
            thing = maker()
            try:
                result = act(thing, index)
            except Exception as error:
                result = type(error).__name__
            print(type(thing).__name__, act.__name__, index, result)
