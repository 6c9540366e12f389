"""`on_fault`: Python functions that answer page faults, each for a range of pages.

The function runs on the stack of what faulted, right where it faulted. It may map pages or change rights; when it
returns True and the access would succeed now, the instruction is tried again. Everything else ends in an exception
at the faulting statement. port/faults/handlers.c says what keeps a handler from hanging the machine.
"""

from memory_structs import AddressInUse, KernelError, PageRange
from paging.natives import critical

from .natives import traps

# The FaultHandler in each slot of the native, or None.
_slots = [None] * traps.HANDLERS_MAX


class TooManyHandlers(KernelError):
    """All places for fault handlers are taken; cancel one."""

    def __init__(self, most):
        self.most = most
        super().__init__("%s fault handlers are registered, and there is no room for more; cancel() one" % (most,))


class FaultHandler:
    """Having one that is active means: `function` is asked about every page fault in `range`.

    Used with `with`, or cancel(). A soft reset disarms it.
    """

    with_numbers = False

    def __init__(self, range, function, slot):
        self.range = range
        self.function = function
        self._slot = slot

    @property
    def is_active(self):
        return self._slot is not None

    def answer(self, fault):
        """Ask the function about a PageFault that another processor took. Returns whether to try again."""
        if self.with_numbers:
            return self.function(fault.record.page, fault.record.error_code) is True
        return self.function(fault) is True

    def cancel(self):
        """Stop answering faults; twice is fine. A handler may cancel itself. Ctrl-C finds it done, or waits."""
        critical.enter()
        try:
            slot, self._slot = self._slot, None
            if self in _slots:
                traps.set_handler(slot, 0, 0, None, False)
                _slots[slot] = None
        finally:
            critical.leave()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):  # a *_ would need memory, and there may be none
        self.cancel()

    def __repr__(self):
        return "<fault handler of %s%s>" % (self.range, "" if self.is_active else ", cancelled")


class NumbersHandler(FaultHandler):
    """A FaultHandler whose function gets numbers."""

    with_numbers = True


def on_fault(range, handler):
    """Have handler(fault) answer the page faults in a PageRange; returns a FaultHandler.

    range: a PageRange, or an owner of pages that has one (`.range`). The handler gets the PageFault. True: try the
    access again. Anything else: the fault is raised where it happened. What the handler raises is raised there, too.
    Raises TypeError, EmptyRange, AddressInUse (another handler has a part of it) or TooManyHandlers; then nothing
    has changed.
    """
    return _register(range, handler, FaultHandler)


def on_fault_numbers(range, handler):
    """As on_fault, by numbers: handler(page number, error code), which costs no allocation."""
    return _register(range, handler, NumbersHandler)


def pages_of(range):
    """The PageRange that is given, or that an owner of pages has. Raises TypeError."""
    pages = range if type(range) is PageRange else getattr(range, "range", None)
    if type(pages) is not PageRange:
        raise TypeError("a PageRange expected, or what has one as .range, not %s" % type(range).__name__)
    return pages


def _register(range, handler, kind):
    pages = pages_of(range)
    if not callable(handler):
        raise TypeError("a handler is a function, not %s" % type(handler).__name__)
    critical.enter()  # nobody may take the slot or the range between looking and taking
    try:
        slot = _free_slot(pages)
        made = kind(pages, handler, slot)
        traps.set_handler(slot, pages.first_number, pages.last_number, handler, kind.with_numbers)
        _slots[slot] = made
        return made  # in here: a Ctrl-C that waited comes when the caller has it
    finally:
        critical.leave()


def _free_slot(pages):
    """The first slot that is free. Raises AddressInUse or TooManyHandlers."""
    for other in _slots:
        shared = None if other is None else pages.overlap(other.range)
        if shared is not None:
            raise AddressInUse(pages, shared, "the fault handler %r" % other.function)
    if None not in _slots:
        raise TooManyHandlers(len(_slots))
    return _slots.index(None)


def handler_of(page):
    """The FaultHandler whose range a page number is in, or None."""
    for handler in handlers():
        if handler.range.first_number <= page <= handler.range.last_number:
            return handler
    return None


def handlers():
    """Return the FaultHandlers that are active."""
    return [handler for handler in _slots if handler is not None]
