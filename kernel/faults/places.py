"""Where in loaded code an instruction was: asked of whoever loads code, when somebody reads what a fault says."""

_finders = []


class CodePlace:
    """An instruction of loaded code: `offset` bytes into `symbol` of `object`, names; of `section` without one."""

    def __init__(self, object, section, symbol, offset):
        self.object = object
        self.section = section
        self.symbol = symbol
        self.offset = offset

    def __repr__(self):
        return "%s %s%s+0x%x" % (self.object, self.section, self.symbol and " " + self.symbol, self.offset)


def set_finder(where):
    """Ask where(address, time) about instructions. A soft reset forgets it.

    It returns (object, section, symbol, offset) for what is in loaded code, three names and a number, else None; also
    None when that was loaded after `time`, a count of `time.ticks_cpu()`, for then the fault is an older one.
    """
    _finders[:] = (where,)


def place_of(record):
    """The CodePlace of the instruction that a trap's Record is about; None if it is in no code that is loaded now."""
    for where in _finders:
        found = where(record.instruction_pointer, record.time)
        if found is not None:
            return CodePlace(*found)
    return None
