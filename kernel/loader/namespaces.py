"""`Namespace`: which objects see each other. What one does not know is looked for in its parent, as in Theseus.

KERNEL     the functions of the kernel that objects may call (port/runtime/exports.c)
  OBJECTS    where `load` puts objects unless it is told another one
"""

from paging.natives import boot

from .sections import Definition

# The strength of a definition: the stronger wins, two of the strongest are an error. (Bindings of the ELF file.)
WEAK, COMMON, STRONG = 1, 2, 3
# Rust's panics are functions with a hash in their names: all of core::panicking is abort().
RUST_PANICS, ABORT = "4core9panicking", "abort"


class Namespace:
    """`.objects` {name: LoadedObject}, `.definitions` {symbol: Definition}."""

    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.objects = {}
        self.definitions = {}

    def find(self, name):
        """The Definition of a symbol here, or in the namespaces below; None if there is none."""
        space = self
        while space is not None:
            found = space.definitions.get(name)
            if found is not None:
                return found
            space = space.parent
        return self.find(ABORT) if RUST_PANICS in name else None

    def names(self):
        """The names of all symbols that are seen from here."""
        return list(self.definitions) + (self.parent.names() if self.parent else [])

    def without_objects(self, gone):
        """A copy of `.definitions` as it is without these objects: what they hid is seen again."""
        definitions = self.definitions.copy()
        left = [each.symbols for each in self.objects.values() if each not in gone]
        for each in gone:
            for name, old in each.symbols.items():
                if definitions.get(name) is old:
                    del definitions[name]
                    for symbols in left:
                        known, best = symbols.get(name), definitions.get(name)
                        if known is not None and (best is None or best.binding < known.binding):
                            definitions[name] = known
        return definitions

    def __repr__(self):
        return "Namespace(%s, %d objects)" % (self.name, len(self.objects))


def kernel_namespace():
    """The namespace below all others: the functions that the kernel gives away."""
    space = Namespace("kernel")
    for name, address in boot.exports().items():
        space.definitions[name] = Definition(name, None, address, 0, STRONG)
    return space


KERNEL = kernel_namespace()
OBJECTS = Namespace("objects", KERNEL)


class Loaded:
    """`.objects`: all of all namespaces, and those that were replaced and that somebody still holds: `.held`."""

    def __init__(self):
        self.objects = []
        self.held = []


LOADED = Loaded()
