# Acts that are wrong, generated. Runs after prelude.py, world.py, targets.py and judge.py:
# `calls = Malformed(seed, PARAMETERS)`, then `calls.run(how many)` repeatedly.
#
# PARAMETERS maps a function's name (a class's: that of its constructor) to the names of its parameters; what is
# plausible for a name is in PLAUSIBLE. A call has plausible arguments but for one or two, by place or by name. It must
# be refused by name, or be harmless.
import random


class Malformed:
    def __init__(self, seed, parameters):
        random.seed(seed)
        self.parameters = parameters
        self.before = whole_counts()
        self.world = World()
        self.counted = self.quick()
        self.done = self.refused = 0
        self.wrong = []
        w = self.world.by_key
        self.callables, self.methods = callables(), methods(w)
        self.functions, self.attributes = functions(w), attributes(w)

    # What holds at all times.

    def quick(self):
        frame, page = memory.frame_allocator, memory.page_allocator
        grown = sum([count for _, count in MMI.heap.areas()])
        return (
            # A table of the pool goes when its last page goes, and comes with the first.
            frame.pool.free + frame.pool.all_tables + grown,
            frame.pool.allocated,
            page.pool.free + grown,
            page._arenas[1].free,
            frame.pool.all_mapped - grown,
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
        self.wrong.append((self.done, "call %d: %s: %s" % (self.done, call, what)))

    # What is given.

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
        """([(shown, value)], {name: (shown, value)}) for a function: plausible but for one or two; now and then too
        many or too few; in one of four some by name."""
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
        named = {}
        if known and random.randrange(4) == 0:
            place = random.randrange(len(given) + 1)
            named = dict(zip(names[place:], given[place:]))  # noqa: B905 (no strict there)
            given = given[:place]
            if random.randrange(3) == 0:
                named[self.pick(("nonsense", "self", names[0] if names else "x"))] = self.any_wrong()
        more = random.randrange(12)
        if more == 0 or not (given or named):
            given.append(self.any_wrong())
        elif more == 1 and given:
            given.pop()
        return given, named

    # Acts.

    def act(self):
        """One act: of all kinds, calls most often."""
        self.keys = sorted(self.world.by_key)
        kind = random.randrange(20)
        if kind < 11:
            self.call()
        elif kind < 14:
            self.call_of_another()
        elif kind < 16:
            self.operate()
        elif kind < 19:
            self.store()
        else:
            self.store_item()

    def call(self):
        if random.randrange(2):
            name, function = self.pick(self.callables)
            label, thing = name, None
        else:
            key, name = self.pick(self.methods)
            thing = self.world.by_key[key]
            label = key + "." + name
            try:
                function = getattr(thing, name)
            except KernelError:
                return  # a dead object's property
        given, named = self.arguments(name)
        self.now = shown_call(label, given, named)
        self.tried("call", name, function, given, named, thing)

    def call_of_another(self):
        cls, name = self.pick(self.functions)
        given, named = self.arguments(cls.__name__ if name == "__init__" else name)
        wrong = self.any_wrong()
        # (A constructor stores into whatever it is given: nothing is to be spoiled that somebody uses.)
        while is_ones_own(wrong[1], cls, name) or (name == "__init__" and type(wrong[1]) not in SPOILT):
            wrong = self.any_wrong()
        given = [wrong] + given
        self.now = shown_call("%s.%s" % (cls.__name__, name), given, named)
        known = cls.__name__ if name == "__init__" else name
        self.tried("call", known, getattr(cls, name), given, named, wrong[1])

    def operate(self):
        operator = self.pick(sorted(OPERATORS))
        key = self.pick(self.keys)
        one, other = (key, self.world.by_key[key]), self.any_wrong()
        if random.randrange(2):
            one, other = other, one
        self.now = "%s %s %s" % (one[0], operator, other[0])
        kinds = type(one[1]), type(other[1])
        if kinds[0] in BUILTIN and (kinds[1] in BUILTIN or kinds[0] is not int or operator in ("[]", "call")):
            return  # Python's own
        if operator == "in" and other[1] is memory:
            return  # a module has no such thing, and says so
        if operator in ("*", "<<", "**") and (kinds[0] in BUILTIN or kinds[1] in BUILTIN[3:]):
            return
        what = "subscript" if operator == "[]" else "operator"
        if operator == "call" and kinds[0] in BUILTIN:
            return
        self.tried(what, operator, OPERATORS[operator], [one, other], {})

    def store(self):
        """An attribute is set, or deleted; what could be is set again to what it was."""
        key, name = self.pick(self.attributes)
        thing, (shown, value) = self.world.by_key[key], self.any_wrong()
        if random.randrange(5) == 0:
            self.now = "del %s.%s" % (key, name)
            act, given = lambda: delattr(thing, name), []
        else:
            self.now = "%s.%s = %s" % (key, name, shown)
            act, given = lambda value: setattr(thing, name, value), [(shown, value)]
        had = vars_of(thing).get(name, thing)
        done = self.tried("store", name, act, given, {})
        if done:
            if had is not thing:
                setattr(thing, name, had)
            elif name in vars_of(thing):
                delattr(thing, name)
            if key in KERNELS_OWN:
                self.complain(self.now, "it was done")

    def store_item(self):
        key = self.pick(self.keys)
        thing, index, value = self.world.by_key[key], self.any_wrong(), self.any_wrong()
        if type(thing) in BUILTIN:
            return
        if random.randrange(4):
            self.now = "%s[%s] = %s" % (key, index[0], value[0])
            self.tried("subscript", "[]=", lambda index, value: setitem(thing, index, value), [index, value], {})
        else:
            self.now = "del %s[%s]" % (key, index[0])
            self.tried("subscript", "del", lambda index: delitem(thing, index), [index], {})

    def tried(self, what, name, function, given, named, thing=None):
        """Do it, and judge what came; returns True if it was done."""
        values = [value for _, value in given]
        named = {name: value for name, (_, value) in named.items()}
        allowed = WRONG_WHEN.get(name)
        if allowed and not allowed(values, named):
            return None
        self.done += 1
        result = error = None
        try:
            result = function(*values, **named)
            if type(result).__name__ == "generator":
                for _ in zip(range(600), result):  # noqa: B905 (no strict there)
                    pass
        except Exception as raised:
            error = raised
        if error is not None:
            self.refused += 1
            names = [word for words in self.parameters.get(name, ()) for word in words] + ["self"]
            if what == "store":
                names = [name]
            fault = fault_of(error, values + list(named.values()), names, what)
            if fault:
                self.complain(self.now, fault)
        else:
            try:
                if name in GIVEN_BACK and thing is not None:
                    GIVEN_BACK[name](thing, result)
                drop(result, list(self.world.by_key.values()))
            except Exception as raised:
                self.complain(self.now, "and then drop(): %s" % repr(raised))
        result = function = values = named = None
        memory.set_broadcast_tlb_shootdown_cb(None)  # whatever a call has put there would be called by the next one
        self.compare(error)
        return error is None

    def compare(self, error):
        now = self.quick()
        if error is not None and now != self.counted:
            gc.collect()
            memory.allocate_pages(1).drop()
            now = self.quick()
            if now[:-1] == self.counted[:-1] and now[-1] < self.counted[-1]:
                self.counted = now  # tables of an older world: a word on the stack had held them until now
            elif now != self.counted:
                self.complain(self.now, "%s, and %s became %s" % (type(error).__name__, self.counted, now))
                self.fresh(self.now)
        elif now != self.counted or self.someone_died():
            self.fresh(self.now)

    def someone_died(self):
        w = self.world.by_key
        return not all([w[key] for key in MORTAL])

    def run(self, calls, verify_every=50):
        """So many acts; returns (done, what was wrong since the last time)."""
        end = self.done + calls
        verified = self.done
        while self.done < end:
            self.act()
            if self.done >= verified + verify_every or self.done >= end:
                verified = self.done
                found = violations()
                if found:
                    self.complain(self.now, str(found[:2]))
                    self.fresh(self.now)
        wrong, self.wrong = self.wrong, []
        return self.done, wrong

    def finish(self):
        """The world ends, and everything came back. Returns what is wrong."""
        self.wrong = []
        self.fresh("the last world's end")
        self.world.end()
        handlers = len(faults.handlers.handlers())
        if handlers or K.unfinished or _critical.depth():
            self.complain("at the end", "%d handlers, guard %d" % (handlers, _critical.depth()))
        return self.wrong


def is_ones_own(thing, cls, name):
    """True for an object of the class; and of one that has a function of that name which a decorator made, for then
    nobody can tell whether this one is inside."""
    return isinstance(thing, cls) or type(getattr(type(thing), name, nothing)).__name__ != "function"


def setitem(thing, index, value):
    thing[index] = value


def delitem(thing, index):
    del thing[index]


def shown_call(label, given, named):
    parts = [shown for shown, _ in given] + ["%s=%s" % (name, named[name][0]) for name in sorted(named)]
    return "%s(%s)" % (label, ", ".join(parts))


def show(value):
    text = repr(value)
    return text if len(text) < 24 else text[:20] + "..."
