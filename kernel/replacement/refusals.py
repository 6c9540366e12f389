"""What traces, their policies and the laboratory refuse."""

from memory_structs import KernelError


class OffTrace(KernelError):
    """A program refers to another page than the trace that OPT knows the future from."""

    def __init__(self, place, page):
        super().__init__("reference %d is to page %d, which is not what the trace says" % (place, page))


class UnknownTrace(KernelError):
    """No trace is made that has this name. `.names` are those that there are."""

    def __init__(self, which, names):
        self.names = names
        super().__init__("%r is no trace: %s are made, and a path names a file" % (which, ", ".join(names)))


class EmptyTrace(KernelError):
    """A trace has no reference."""

    def __init__(self, name):
        super().__init__("trace %s has no references" % (name,))


class BadReference(KernelError):
    """What a trace refers to is no page number."""

    def __init__(self, place, number, last):
        self.place = place
        super().__init__("reference %d is %r: a page number is an integer from 0 to %d" % (place, number, last))


class BadTraceLine(KernelError):
    """A line of a trace's file is not as lackey writes them. `.line` is its number, from 1 on."""

    def __init__(self, path, line, text, why):
        self.line = line
        super().__init__("%s, line %d: %r: %s" % (path, line, text.rstrip()[:40], why))


class NoSuchNumber(KernelError):
    """A number is not in the range that it has to be in."""

    def __init__(self, what, number, first, last):
        super().__init__("%s is %r: it must be an integer from %d to %d" % (what, number, first, last))


class NoSuchFrames(KernelError):
    """More frames than pages, or none: no page would ever have to go, or none could come."""

    def __init__(self, frames, pages):
        super().__init__("%r frames for %d pages: it must be an integer from 1 to %d" % (frames, pages, pages))


class RecordingLost(KernelError):
    """The policy that records is no longer in use: it was changed, or something failed amid a fault."""

    def __init__(self):
        super().__init__("the policy that records was changed or lost amid the program: record anew")
