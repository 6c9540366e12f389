"""What is refused about other processors, and how their jobs can end. If not said, nothing has changed.

KernelError
└── ProcessorError            .number
    ├── NoSuchProcessor       the machine has none of that number, or it is the one that runs Python
    ├── ProcessorBusy         it has a job; stop() ends that
    ├── ProcessorIdle         it has no job that could be waited for
    ├── ProcessorSilent       it did not come when it was started, or does not end its job
    ├── JobStopped            the job was ended from outside
    ├── JobTooLong            the time is over; `call` has stopped the job, `wait` has not
    └── NeedsPython           machine code wanted something of MicroPython's, which ended it
"""

from memory import KernelError

# The table by which emitted code reaches MicroPython, in its order (py/nativeglue.c); then the ways of other machine
# code.
ENTRIES = (
    "None", "False", "True", "an argument that is no small int", "a result beyond 62 bits", "names of its module",
    "a name", "a global name", "a class", "an attribute", "a method", "super()", "a name", "a global name",
    "an attribute", "an element", "truth of an object", "an operator of objects", "an operator of objects", "a tuple",
    "a list", "a dict", "a set", "a set", "a list", "a dict", "a function", "a call", "a call", "a call",
    "an iterator", "an iterator", "an exception handler", "an exception handler", "raise", "an import", "an import",
    "an import", "a slice", "unpacking", "unpacking", "del", "del", "a closure", "another number of arguments",
    "a generator", "//", "%", "a generator", "an exception handler", "a callback", "abort()",
)  # fmt: skip


class ProcessorError(KernelError):
    """Something about the processor of that `number`."""

    def __init__(self, number, text):
        self.number = number
        super().__init__("CPU %s %s" % (number, text))


class NoSuchProcessor(ProcessorError):
    """There is none of that number to do jobs; `count` are there, with the first."""

    def __init__(self, number, count):
        self.count = count
        if number == 0:
            text = "runs Python itself: it does no jobs"
        elif count == 1:
            text = "is not there: this machine has one (make run CPUS=4 gives it four)"
        elif count == 2:
            text = "is not there: the other one of this machine is 1"
        else:
            text = "is not there: the others of this machine are 1 to %d" % (count - 1)
        super().__init__(number, text)


class ProcessorBusy(ProcessorError):
    """It has a job."""

    def __init__(self, number):
        super().__init__(number, "has a job: wait() for its end, or stop() it")


class ProcessorIdle(ProcessorError):
    """It has no job."""

    def __init__(self, number):
        super().__init__(number, "has no job whose end could be waited for: start() one")


class ProcessorSilent(ProcessorError):
    """It does not answer."""


class JobStopped(ProcessorError):
    """Its job was ended."""

    def __init__(self, number):
        super().__init__(number, "did not finish its job, which was stopped")


class JobTooLong(ProcessorError):
    """Its job took longer than `limit_ms`."""

    def __init__(self, number, limit_ms):
        self.limit_ms = limit_ms
        super().__init__(number, "is not done after %s ms (limit_ms= gives more time)" % limit_ms)


class NeedsPython(ProcessorError):
    """`function` wanted `entry` of MicroPython, which other processors never enter: ENTRIES says what that is."""

    def __init__(self, number, function, entry):
        self.function = function
        self.entry = entry
        wanted = ENTRIES[entry] if entry < len(ENTRIES) else "?"
        super().__init__(number, "ended %r: it needs Python for %s (entry %s)" % (function, wanted, entry))
