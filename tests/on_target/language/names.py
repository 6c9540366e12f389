"""Names that appear, move, hide each other and go away: what was found once must not be believed for ever."""


def show(*values):
    print(*values)


def attempt(function):
    """Show what a function returns, or the name of its error."""
    try:
        show(function())
    except Exception as error:
        show(type(error).__name__)


class Base:
    kind = "base"

    def who(self):
        return "Base.who"

    def kept(self):
        return self.kind


class Middle(Base):
    pass


class Leaf(Middle):
    @property
    def size(self):
        return self._size

    @size.setter
    def size(self, value):
        self._size = value * 2

    @staticmethod
    def alone(*arguments):
        return arguments

    @classmethod
    def named(cls):
        return cls.__name__

    builtin = len


leaf, base = Leaf(), Base()


def call_who():
    return leaf.who(), base.who()


attempt(call_who)
Middle.who = lambda self: "Middle.who"
attempt(call_who)
Leaf.who = lambda self: "Leaf.who"
attempt(call_who)
leaf.who = lambda: "the instance's"
attempt(call_who)
del leaf.who
attempt(call_who)
del Leaf.who
attempt(call_who)
del Middle.who
attempt(call_who)
Base.who = 5
attempt(call_who)
del Base.who
attempt(call_who)
Base.who = lambda self: "back"
attempt(call_who)

leaf.size = 4
show(leaf.size, leaf._size, leaf.alone(1), leaf.named(), leaf.builtin([1, 2]), leaf.kept(), leaf.__class__ is Leaf)
leaf._size = 7
show(leaf.size)
leaf.kind = "own"
show(leaf.kept(), base.kept(), Leaf.kind)
del leaf.kind
show(leaf.kept())
attempt(lambda: leaf.missing(1))
attempt(lambda: leaf.missing)
attempt(lambda: (5).missing(1))


class Strange:
    """Methods with names that MicroPython looks at first."""

    def __init__(self):
        self.stored = []

    def __getattr__(self, name):
        return lambda *arguments: (name, arguments)

    def __next__(self):
        return "next"

    def __iter__(self):
        return self

    def real(self):
        return "real"


strange = Strange()
show(strange.made_up(1), strange.real(), strange.__next__(), next(strange), strange.__class__.__name__)
strange.attribute = 1
show(sorted(strange.__dict__), strange.attribute)


class Guarded:
    def __setattr__(self, name, value):
        show("set", name, value)
        super().__setattr__(name, value + 1)

    def __delattr__(self, name):
        show("del", name)


guarded = Guarded()
guarded.x = 1
guarded.x = 2
show(guarded.x)
del guarded.x


class Watched:
    def __get__(self, instance, owner):
        return "got"

    def __set__(self, instance, value):
        show("descriptor", value)


class Holder:
    watched = Watched()


holder = Holder()
holder.watched = 3
show(holder.watched)


class Left:
    def both(self):
        return "left"


class Right:
    def both(self):
        return "right"

    def right(self):
        return "only right"


class Both(Left, Right):
    pass


show(Both().both(), Both().right())


class Listed(list):
    def append(self, value):
        super().append(("mine", value))


listed = Listed()
listed.append(1)
listed.extend([2])
show(list(listed), listed.index(2), len(listed))


def use_len():
    return len([1, 2, 3])


attempt(use_len)
len = lambda _: "hidden"  # noqa: E731
attempt(use_len)
del len
attempt(use_len)
attempt(lambda: no_such_name)
no_such_name = 1
attempt(lambda: no_such_name)
del no_such_name
attempt(lambda: no_such_name)

# Tables of every size, each with names that others have elsewhere; then with every other name gone; then with more.
for count in (0, 1, 2, 3, 5, 8, 12, 13, 40, 255, 256, 257, 300):
    space = {}
    for n in range(count):
        exec(f"name{n} = {n}", space)
    found = []
    for n in range(0, 301, 1):
        try:
            found.append(eval(f"name{n}", space))
        except NameError:
            break
    show(count, found == list(range(count)))
    thing = Base()
    for n in range(count):
        setattr(thing, f"name{n}", n)
    for n in range(0, count, 2):
        delattr(thing, f"name{n}")
        del space[f"name{n}"]
    try:
        del thing.name0
    except AttributeError:
        show("gone before", sorted(thing.__dict__) == sorted(f"name{n}" for n in range(1, count, 2)))
    show([n for n in range(302) if hasattr(thing, f"name{n}")] == list(range(1, count, 2)))
    show([n for n in range(302) if f"name{n}" in space] == list(range(1, count, 2)))
    for n in range(count, -1, -1):
        setattr(thing, f"name{n}", -n)
    show([getattr(thing, f"name{n}") for n in range(count + 1)] == [-n for n in range(count + 1)])

mixed = {"a": 1, 2: "two"}
show("a" in mixed, 2 in mixed, "".join(["", "a"]) in mixed, "b" in mixed, {}.get("a"), None in {"a": 1})
