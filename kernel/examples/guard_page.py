"""A guard page: running over the end of a buffer is an exception that names the buffer."""

from faults import on_fault
from memory import HEAP_FLAGS, KernelError, PageRange, allocate_pages_at, create_mapping

__all__ = (
    "GuardedBuffer",
    "Overrun",
)


class Overrun(KernelError):
    """Somebody went past the end of `buffer`, by `excess` bytes."""

    def __init__(self, buffer, excess):
        self.buffer = buffer
        self.excess = excess
        super().__init__("%s was overrun by %d bytes" % (buffer, excess))


class GuardedBuffer:
    """Mapped pages (`.pages`) with one behind them that stays unmapped (`.guard`), and says so."""

    def __init__(self, name, size_in_bytes):
        self.name = name
        self.pages = create_mapping(size_in_bytes, HEAP_FLAGS)
        self.guard = allocate_pages_at(self.pages.start_address + self.pages.size_in_bytes, 1)
        self.handler = on_fault(PageRange(self.guard.start, self.guard.end), self.overrun)

    def overrun(self, fault):
        raise Overrun(self.name, fault.address - self.guard.start_address + 1)

    def drop(self):
        self.handler.cancel()
        self.guard.drop()
        self.pages.drop()
