"""What runs in the machine around a student's file: names of its own, and a look at who changed the kernel's.

The file runs in the kernel, with all rights of the kernel. So the code of graders has its own names, which it took
before the file was there; what the kernel's modules, its classes and the builtins hold is compared with before; and
nobody but the host can call the guard or answer in its place: each call has a key, each answer a mark of its own.
"""

import secrets

# How the first mark of an answer goes on: a value, an exception, a name of the kernel's that was replaced.
VALUE, RAISED, REPLACED = "=!*"

TEXT = r'''
def NAME(key):
    import builtins, gc, memory, sys
    from memory_structs import mode
    run, make, show, word, value_of, items, is_kind = exec, compile, print, repr, eval, list, callable
    count, length = enumerate, len
    is_a, kind_of, has, of, no = isinstance, type, hasattr, getattr, BaseException
    complain, collect, modules, whole = sys.print_exception, gc.collect, sys.modules, __import__("__main__")
    own = {"__name__": "grader", "memory": memory, "LEVELS": mode.LEVELS}
    names, was, first = {}, [], {}
    free = []  # stands for what may change
    plain = ["__build_class__", "__import__"] + [name for name in dir(builtins) if name[:2] != "__"]
    all_plain = value_of("lambda: [" + ", ".join(plain) + "]", {})
    were_plain = all_plain()

    def kernel_functions():
        found = [(module, name) for name, module in items(modules.items()) if module is not whole]
        for module, name in items(found):
            for key, value in items(module.__dict__.items()):
                if key[0] != "_" and not is_a(value, kind_of(memory)) and has(value, "__dict__"):
                    found.append((value, name + "." + key))
        return [
            (owner, name, {key: fixed(owner, value) for key, value in owner.__dict__.items()}) for owner, name in found
        ]

    def fixed(owner, value):
        """Return a value that may not change: a function, a class, in a module an object or another module; or free."""
        return value if is_kind(value) or is_a(owner, kind_of(memory)) and has(value, "__dict__") else free

    def changed():
        for place, value in count(all_plain()):
            if were_plain[place] is not value:
                return "builtins." + plain[place]
        for name, value in first.items():
            if own.get(name) is not value:
                return name + " of the grader"
        if whole.__dict__.get("NAME") is not act:
            return "the grader's guard"
        for owner, where, before in was:
            now = owner.__dict__
            for key, value in before.items():
                if value is not free and now.get(key) is not value:
                    return where + "." + key
            if length(now) > length(before):
                for key, value in now.items():
                    if key not in before and hides(owner, key, value):
                        return where + "." + key
        return None

    def hides(owner, key, value):
        """Answer whether a new name hides another: a builtin in a module, what a module makes when it is asked for it,
        a method of its class in an object."""
        if is_a(owner, kind_of(memory)):
            makes_names = "__getattr__" in owner.__dict__ and not is_a(value, kind_of(memory))
            return makes_names or is_kind(value) and key in plain
        return is_kind(value) and (is_a(owner, type) or is_kind(of(kind_of(owner), key, None)))

    class File:
        """The names of the student's file."""

        def __getattr__(self, name):
            if name not in names:
                raise AttributeError("the file has no %s" % name)
            return names[name]

    def load(text, file, name):
        names["__name__"] = name
        own["student"] = File()
        first.update(own)
        was[:] = kernel_functions()
        run(make(text, file, "exec"), names)

    def act(given, mark, kind, text, *more):
        if kind_of(given) is not kind_of(key) or given != key:
            raise RuntimeError("the grader's guard is the host's to call")
        found = replaced = failed = None
        try:
            if kind == "load":
                load(text, *more)
            elif kind == "value":
                found = word(value_of(text, own))
            elif kind == "run":
                run(text, own)
            if kind in ("load", "changed"):
                replaced = changed()
        except no as error:
            failed = error
        if failed is not None:
            if kind == "load":
                names.clear()
                collect()
            show(mark, "!", sep="", end="")
            complain(failed)
            if is_a(of(failed, "cause", None), no):
                complain(failed.cause)
        elif replaced:
            show(mark, "*", replaced, sep="", end="")
        else:
            show(mark, "=", found, sep="", end="")
        show(mark)

    return act

NAME = NAME("KEY")
'''


class Guard:
    """The guard of one run: `.text` makes it in the machine, `call(...)` is the Python that calls it there."""

    def __init__(self):
        self.name = "guard_" + secrets.token_hex(8)
        self.key = secrets.token_hex(8)
        self.text = TEXT.replace("NAME", self.name).replace("KEY", self.key)

    def call(self, kind, *words):
        """Return the call, and the mark around its answer: ("load", source, file, name), ("run", code),
        ("value", expression) or ("changed", "")."""
        mark = f"\x1e{secrets.token_hex(8)}\x1e"
        return f"{self.name}({', '.join(map(repr, (self.key, mark, kind, *words)))})", mark
