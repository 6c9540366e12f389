"""What runs in the machine around a student's file: names of its own, and a look at who changed the kernel's.

The file runs in the kernel, with all rights of the kernel. So the code of graders has its own names, which it took
before the file was there; and what the kernel's modules, its classes and the builtins hold is compared with before.
"""

import secrets

# Before what the guard prints of its own.
MARK = "\x1e"

TEXT = r'''
def NAME():
    import builtins, memory, sys
    from memory_structs import mode
    run, make, show, word, value_of, items, is_kind = exec, compile, print, repr, eval, list, callable
    own = {"__name__": "grader", "memory": memory, "LEVELS": mode.LEVELS}

    def kernel_functions():
        found = [(module, name) for name, module in items(sys.modules.items()) if name != "__main__"]
        found += [
            (value, name + "." + key)
            for module, name in items(found)
            for key, value in items(module.__dict__.items())
            if isinstance(value, type) and key[0] != "_"
        ]
        return [
            (owner, name, {key: value for key, value in owner.__dict__.items() if is_kind(value)})
            for owner, name in found
        ]

    was, plain = [], {}
    for name in dir(builtins):
        try:
            plain[name] = value_of(name, {})
        except (NameError, SyntaxError):
            pass

    def changed():
        for name, value in plain.items():
            if value_of(name, {}) is not value:
                return "builtins." + name
        for owner, where, before in was:
            now = owner.__dict__
            for key, value in before.items():
                if now.get(key) is not value:
                    return where + "." + key
        return None

    class File:
        """The names of the student's file."""

        def __init__(self, names):
            self.names = names

        def __getattr__(self, name):
            if name not in self.names:
                raise AttributeError("the file has no %s" % name)
            return self.names[name]

    def load(text, file, name):
        names = {"__name__": name}
        own["student"] = File(names)
        was[:] = kernel_functions()
        run(make(text, file, "exec"), names)

    def act(kind, text, *more):
        if kind == "load":
            found = load(text, *more)
        elif kind == "value":
            found = value_of(text, own)
        elif kind == "changed":
            found = changed()
        else:
            found = run(text, own)
        show(MARK + word(found))

    return act

NAME = NAME()
'''


class Guard:
    """The guard of one run: `.text` makes it in the machine, `call(...)` is the Python that calls it there."""

    def __init__(self):
        self.name = "guard_" + secrets.token_hex(8)
        self.text = TEXT.replace("NAME", self.name).replace("MARK", repr(MARK))

    def call(self, kind, *words):
        """Return the call: ("load", source, file, name), ("run", code), ("value", expression) or ("changed", "")."""
        return f"{self.name}({', '.join(map(repr, (kind, *words)))})"
