# What can be done wrongly: calls, a class's functions with another's object, operators, stores. Runs after world.py.
#
# Each act is (name, shown, function, number of values that come first): the function takes the values.
import faults
import memory_structs
import paging
import shell.commands
from loader import disks, handover

MODULES = memory, paging, faults, memory_structs, disks, handover, shell.commands
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "**": lambda a, b: a**b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "in": lambda a, b: a in b,
    "[]": lambda a, b: a[b],
    "call": lambda a, b: a(b),
    "divmod": divmod,
}
SPOILT = Anything, type, object, int, str, float, list, dict, tuple, type(nothing), bool
BUILTIN = bool, int, float, str, bytes, dict, list, tuple, set, bytearray, type, type(None), type(nothing)


def no_number(values, named):
    return values and type(values[0]) not in (int, bool) and not named


def no_word(values, named):
    return values and not any([type(value) is str for value in values])


def something(values, named):
    return values or named


def of_its_frames(values, named):
    """No more pages than there are frames of the world's own: a mapper maps whatever it is told to."""
    count = named.get("count", values[2] if len(values) > 2 else 0)
    return type(count) is not int or count <= 4


# What does its work when it is called rightly, and must not here: when a call of it is wrong.
WRONG_WHEN = {
    "reset": something,
    "exit": no_number,
    "tour": no_number,
    "bench": no_word,
    "mount_ram_disk": something,
    "mount_modules": something,
    "set_import_path": something,
    "reserve_memory": no_number,
    "map_numbers": of_its_frames,
}
# What takes something by number, and how it is given back.
GIVEN_BACK = {
    "allocate_run": lambda thing, run: run and thing.deallocate_run(*run),
    "allocate_number": lambda thing, number: number < 0 or thing.deallocate_number(number),
    "into_mapped": lambda thing, taken: thing.from_mapped(*taken).drop(),
}


def vars_of(thing):
    """An object's own attributes."""
    try:
        return thing.__dict__
    except (KernelError, AttributeError):
        return {}


def public(thing):
    return [name for name in dir(thing) if name[0] != "_"]


def callables():
    """[(name, callable)] of what the modules offer, class methods too."""
    found, seen = [], set()
    for module in MODULES:
        for name in getattr(module, "__all__", None) or dir(module):
            thing = getattr(module, name)
            if name[0] == "_" or id(thing) in seen or not callable(thing):
                continue
            seen.add(id(thing))
            found.append((name, thing))
            if type(thing) is type:
                for attribute in public(thing):
                    if type(getattr(thing, attribute)).__name__ == "bound_method":
                        found.append((attribute, getattr(thing, attribute)))
    return found


def methods(world):
    """[(key of an object, name)] of the methods of everything in the world, but for what is Python's own."""
    found = []
    for key in sorted(world):
        thing = world[key]
        if type(thing) in BUILTIN and thing is not K:
            continue
        for name in dir(type(thing)):
            if name[0] == "_" and name not in ("__enter__", "__exit__"):
                continue
            try:
                if callable(getattr(thing, name)):
                    found.append((key, name))
            except (KernelError, AttributeError):
                pass
    return found


def functions(world):
    """[(class, name)] of the functions of all classes: what they are called with is an object of another one."""
    classes = {}
    for thing in [thing for _, thing in callables()] + [type(thing) for thing in world.values()]:
        if type(thing) is type and thing not in BUILTIN:
            classes[thing.__name__] = thing
    found = []
    for label in sorted(classes):
        for name in dir(classes[label]):
            function = getattr(classes[label], name, None)
            is_public = name[0] != "_" or (name[:2] == "__" and name[-6:] != "attr__")
            if is_public and type(function).__name__ in ("function", "closure"):
                found.append((classes[label], name))
    return found


def attributes(world):
    """[(key of an object, name)] of everything that could be set or deleted."""
    found = []
    for key in sorted(world):
        thing = world[key]
        if type(thing) not in BUILTIN and thing is not memory:
            names = set(public(type(thing))) | {name for name in vars_of(thing) if name[0] != "_"}
            found += [(key, name) for name in sorted(names)] + [(key, "nothing_of_that_name")]
    return found
