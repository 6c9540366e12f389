"""Where in loaded code an instruction was: asked of whoever loads code, when somebody reads what a fault says."""

# where(address): (object, section, symbol, offset) or None; the first three are names, or have one as `.name`.
_finders = []


class CodePlace:
    """An instruction of loaded code: `offset` bytes into `symbol` (None: into `section`) of `object`: names."""

    def __init__(self, object, section, symbol, offset):
        self.object = _name(object)
        self.section = _name(section)
        self.symbol = _name(symbol)
        self.offset = offset

    def __repr__(self):
        symbol = "" if self.symbol is None else " " + self.symbol
        return "%s %s%s+0x%x" % (self.object, self.section, symbol, self.offset)


def _name(thing):
    return getattr(thing, "name", thing)


def set_finder(where):
    """Ask where(address) about instructions: (object, section, symbol, offset) for those of loaded code, or None.

    An object may say in `.loaded_at` (a count of `time.ticks_cpu()`) since when it has been there: older faults are
    none of its own. A soft reset forgets the finder.
    """
    _finders[:] = (where,)


def place_of(record):
    """The CodePlace of the instruction that a trap's Record is about; None if it is in no code that is loaded now."""
    for where in _finders:
        found = where(record.instruction_pointer)
        if found is not None and getattr(found[0], "loaded_at", 0) <= record.time:
            return CodePlace(*found)
    return None
