# Calls that are wrong, generated: every public callable, with arguments of wrong kinds and values, in wrong numbers.
# Runs after prelude.py and world.py: `calls = Malformed(seed, PARAMETERS)`, then `calls.run(how many)` repeatedly.
#
# PARAMETERS maps a function's name (a class's: that of its constructor) to the names of its parameters; what is
# plausible for a name is in PLAUSIBLE. A call has plausible arguments but for one or two. It must be refused by name,
# or harmless.
import random

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
# What can't be called with anything that may be right.
LEFT_OUT = {
    "reset": "it resets the machine",
    "exit": "it ends it",
    "tour": "it waits for keys",
    "bench": "it takes its time",
    "mount_ram_disk": "it mounts",
    "mount_modules": "it mounts",
    "set_import_path": "",
    "allocate_run": "by number, for mappers, who give the number back",
    "allocate_number": "the same",
    "flush_spans": "it trusts the mapper",
    "create_record": "by number and word, for callers who have checked the word",
    "unmap_record": "the same",
    "reserve_memory": "what it takes it keeps for ever",
    "count_owners": "it trusts its caller with the counts",
    "into_mapped": "for a mapper of one's own, who brings them back",
    "from_mapped": "the same",
}
BUILTIN = bool, int, float, str, dict, list, bytearray, type(None), type(nothing)
ARITY = "expected at", "takes", "extra positional", "missing", "missing", "unexpected keyword", "extra keyword"


class Malformed:
    def __init__(self, seed, parameters):
        random.seed(seed)
        self.parameters = parameters
        self.before = whole_counts()
        self.world = World()
        self.counted = self.quick()
        self.done = self.refused = 0
        self.wrong = []
        self.targets = self.find_targets()

    # What there is to call.

    def find_targets(self):
        """[(name, key of the object it is a method of or None, attribute name)], classes and functions by module."""
        found, seen = [], set()
        for module in MODULES:
            for name in getattr(module, "__all__", None) or dir(module):
                thing = getattr(module, name)
                if name[0] == "_" or name in LEFT_OUT or type(thing).__name__ == "module" or id(thing) in seen:
                    continue
                seen.add(id(thing))
                if callable(thing):
                    found.append((name, None, thing))
                if type(thing) is type:
                    for attribute in dir(thing if type(thing) is type else type(thing)):
                        # Its class methods; the others are called with an object below.
                        if attribute[0] != "_" and type(getattr(thing, attribute)).__name__ == "bound_method":
                            found.append((attribute, None, getattr(thing, attribute)))
        return found + self.find_methods()

    def find_methods(self):
        """The same of the methods of everything in the world, but for what is Python's own."""
        found = []
        for key in sorted(self.world.by_key):
            thing = self.world.by_key[key]
            for attribute in () if type(thing) in BUILTIN else dir(PageTable if thing is K else type(thing)):
                if (attribute[0] != "_" or attribute in ("__enter__", "__exit__")) and attribute not in LEFT_OUT:
                    try:
                        method = getattr(thing, attribute)
                    except (KernelError, AttributeError):
                        continue
                    if callable(method):
                        found.append((attribute, key, attribute))
        return found

    # What holds at all times.

    def quick(self):
        frame, page = memory.frame_allocator, memory.page_allocator
        return (
            # A table of the pool goes when its last page goes, and comes with the first.
            frame.pool.free + frame.pool.all_tables,
            frame.pool.allocated,
            page.pool.free,
            page._arenas[1].free,
            frame.pool.all_mapped,
            _critical.depth(),
            _cpu.read_cr3(),
            _cpu.read_cr0() & ~8,
            len(K.ledger.open),
            tf.out(),
        )

    def fresh(self, why):
        """Another world. What the old one leaves is a fault of the call."""
        self.world.end()
        self.world = None
        gc.collect()
        now = whole_counts()
        if now != self.before:
            self.complain(why, "%s became %s" % (self.before, now))
            self.before = now
        self.world = World()
        self.counted = self.quick()

    def complain(self, call, what):
        self.wrong.append("call %d: %s: %s" % (self.done, call, what))

    # Calls.

    def pick(self, things):
        return things[random.randrange(len(things))]

    def any_wrong(self):
        """(name, value): something of the list, or of the world."""
        if random.randrange(3):
            value = self.pick(WRONG)
            return show(value), value
        # (What is mapped by an owner, a mapper may be told to unmap: that is no mistake.)
        key = self.pick([key for key in self.keys if key[:7] != "mapped "])
        return key, self.world.by_key[key]

    def arguments(self, name):
        """[(shown, value)] for a function: plausible but for one or two; now and then too many or too few."""
        known = self.parameters.get(name)
        names = self.pick(known) if known else ["?"] * random.randrange(5)
        given = []
        for parameter in names:
            keys = PLAUSIBLE.get(parameter)
            if keys:
                key = self.pick(keys)
                given.append((key, self.world.by_key[key]))
            else:
                given.append(self.any_wrong())
        for _ in range(1 + (random.randrange(4) == 0)):
            if given:
                given[random.randrange(len(given))] = self.any_wrong()
        more = random.randrange(12)
        if more == 0 or not given:
            given.append(self.any_wrong())
        elif more == 1:
            given.pop()
        return given

    def call(self):
        """One call; returns what it was."""
        self.keys = sorted(self.world.by_key)
        if random.randrange(8) == 0:
            return self.operate()
        name, key, what = self.pick(self.targets)
        given = self.arguments(name)
        self.now = None
        self.now = "%s%s(%s)" % (key + "." if key else "", name, ", ".join([shown for shown, _ in given]))
        values = [value for _, value in given]
        if key is None:
            self.tried(name, what, values)
        else:
            thing = self.world.by_key[key]
            self.tried(name, getattr(thing, what), values)

    def operate(self):
        operator = self.pick(sorted(OPERATORS))
        key = self.pick(self.keys)
        one, other = (key, self.world.by_key[key]), self.any_wrong()
        if random.randrange(2):
            one, other = other, one
        self.now = "%s %s %s" % (one[0], operator, other[0])
        if type(one[1]) in (dict, str, bytes, bytearray, tuple, list, set) or (
            type(one[1]) in BUILTIN and type(other[1]) in BUILTIN
        ):
            return  # Python's own
        if operator in ("*", "<<", "**", "call") and (
            type(one[1]) in (int, list, str, bytes, tuple, bytearray, type)
            or type(other[1]) in (list, str, bytes, tuple, bytearray)
        ):
            return
        self.tried(operator, OPERATORS[operator], [one[1], other[1]], True)

    def tried(self, name, function, values, is_operator=False):
        self.done += 1
        result = error = None
        try:
            result = function(*values)
            if type(result).__name__ == "generator":
                for _ in zip(range(600), result):  # noqa: B905 (no strict there)
                    pass
        except Exception as raised:
            error = raised
        if error is not None:
            self.refused += 1
            fault = self.judge(
                error, values, is_operator, [word for words in self.parameters.get(name, ()) for word in words]
            )
            if fault:
                self.complain(self.now, fault)
        else:
            try:
                drop(result, list(self.world.by_key.values()))
            except Exception as raised:
                self.complain(self.now, "and then drop(): %s" % repr(raised))
        result = function = None
        now = self.quick()
        if error is not None and now != self.counted:
            gc.collect()
            memory.allocate_pages(1).drop()
            now = self.quick()
            if now != self.counted:
                self.complain(self.now, "%s, and %s became %s" % (type(error).__name__, self.counted, now))
                self.fresh(self.now)
        elif now != self.counted or self.someone_died():
            self.fresh(self.now)

    def someone_died(self):
        w = self.world.by_key
        return not all(
            [
                w[key]
                for key in (
                    "pages",
                    "frames",
                    "mapped",
                    "lower",
                    "readable",
                    "executable",
                    "borrowed",
                    "slice",
                    "scratch",
                    "deferred pages",
                )
            ]
        )

    def judge(self, error, values, is_operator, names):
        """What is wrong with a refusal, in words, or None."""
        kind, text = type(error).__name__, str(error.args[0]) if error.args else ""
        if isinstance(error, (KernelError, faults.ProcessorFault)) or kind == "UsageError":
            return None
        if kind == "TypeError":
            if any([word in text for word in ARITY]) or "wrong kind" in text:
                return None
            insides = text[:1] == "'" or text[:5] in ("can't", "objec", "unsup")
            told = any([type(value).__name__ in text for value in values]) or any([name in text for name in names])
            if not insides and (told or "made by" in text or any([str(value) in text for value in values])):
                return None
            if is_operator and (told or "object isn't" in text):
                return None
            return "%s: %s" % (kind, text)
        if kind == "IndexError" and is_operator:
            return None  # of a subscript: that is how a sequence ends
        if kind == "IndexError" and any([str(value) in text for value in values]):
            return None
        if kind == "ValueError" and text:
            return None
        if kind == "AttributeError" and is_operator and "has no attribute '__" in text:
            return None  # of an operator that the class does not have
        return "%s: %s" % (kind, text)

    def run(self, calls, verify_every=50):
        for _ in range(calls):
            self.call()
            if self.done % verify_every == 0:
                found = violations()
                if found:
                    self.complain(self.now, str(found[:2]))
                    self.fresh(self.now)
        if violations():
            self.complain(self.now, str(violations()[:2]))
        return self.done, self.wrong


def show(value):
    text = repr(value)
    return text if len(text) < 24 else text[:20] + "..."
