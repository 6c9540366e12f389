"""The other processors: their mailboxes, and interrupts to them. Imported by one module of the kernel.

A `number` is 1 to PROCESSORS_MAX - 1, of a processor that has come (else ValueError). Who starts them, and what each
does on which root, is decided in kernel/processors.
"""

from collections.abc import Buffer, Callable

PROCESSORS_MAX: int  # with number 0, which runs Python
BLOCK_FRAMES: int  # of 4 KiB, that each of the others needs for ever
PARKED: int
"""States: asleep on a root of its own,"""
ATTACHED: int
"""asleep on a root,"""
RUNNING: int
"""at its job,"""
ASKING: int
"""waiting for what becomes of a page fault."""
DONE: int
"""How a job ended: by itself,"""
FAULT: int
"""by an exception,"""
REFUSED: int
"""by a viper function that needs MicroPython: the result is the entry of its table,"""
STOPPED: int
"""by stop()."""
NOT_GLOBAL: int
"""Modes of shoot(): everything but GLOBAL translations,"""
EVERYTHING: int
"""everything."""

def prepare(first_frame: int, numbers: Buffer, settings: Buffer, root_frame: int) -> None:
    """What they find as they start. The frames, BLOCK_FRAMES for each, are cleared.

    numbers: 256 bytes, by APIC id the processor's number, 0 for what must not start. settings: pairs of 64-bit words,
    the model-specific registers that each writes, in this order. root_frame: of the tables that they sleep on, which
    show them the image, their blocks and their local APIC for good. ValueError if they have come already.
    """

def keep_frames(first_frame: int, count: int) -> bool:
    """Have frames stay taken through every soft reset from here on. False when there is no room to note that."""

def place_trampoline(frame: int, root_frame: int) -> None:
    """Fill a frame with what a processor begins with. The root, below 4 GiB, must map it where it lies, executable."""

def send(apic_id: int, command: int) -> None:
    """Write an interrupt command (SDM, "Interrupt Command Register") to that APIC id."""

def own_apic_id() -> int: ...
def came() -> int:
    """A mask: bit n is set when processor n has come."""

def post(
    number: int, entry: int, root_frame: int, stack_bottom: int, stack_top: int, vector: int, arguments: Buffer
) -> bool:
    """Have it call `entry` on a root and a stack. False if it is busy; then nothing was done.

    arguments: six integers and eight floats, 14 * 8 bytes, for the registers of the System V ABI. A page fault is told
    by an interrupt of `vector`, and waits for answer(); with a vector of 0 it ends the job, as all other exceptions do.
    """

def wait(number: int, us: int) -> bool:
    """Wait until it is not busy; False when the microseconds are over. Scheduled functions run meanwhile, and what is
    pending is raised."""

def park(number: int) -> bool:
    """Have it go to sleep on the root of those that are parked. False if it is busy; then nothing was done."""

def stop(number: int) -> None:
    """Ask it to end its job. It may be amid a handler: ask again after 10 ms."""

def state(number: int) -> tuple[int, ...]:
    """(state, how the last job ended, APIC id, the root's frame or 0, jobs, exceptions, shootdowns)."""

def result(number: int) -> tuple[int, int]:
    """RAX and the bits of XMM0, as the last job left them."""

def result_object(number: int) -> object:
    """RAX as the object that a viper function returns; None if it did not come to its end."""

def fault(number: int, not_resolved: bool) -> BaseException:
    """The exception that it took last, not raised. The mapping in its record is that of now."""

def log_fault(number: int, answered: bool) -> None:
    """Put it among `_traps.recent()`."""

def registers(number: int) -> tuple[int, ...] | None:
    """All that the instruction began with that it asks about; None if it doesn't ask."""

def answer(number: int, retry: bool) -> None:
    """Have it try the instruction again, or end its job. Nothing if it doesn't ask."""

def viper(function: Callable) -> tuple[int, object, int] | None:
    """(entry, a copy of the function that refuses what needs MicroPython, its address), None for what is no viper
    function or is part of the image. Hold the copy while it runs."""

def arguments_at(number: int) -> int:
    """Where the last eight words of a job's arguments lie in memory."""

def shoot(root_frame: int, page: int, count: int, mode: int) -> None:
    """Have those that are attached, to that root unless it is 0, forget translations, and wait for all of them.

    mode: the bytes of a page, for `count` pages from a page number on; or NOT_GLOBAL or EVERYTHING. A processor that
    does not answer within seconds is a panic.
    """

def forget(root_frame: int, page: int, count: int) -> None:
    """Forget `count` pages of 4 KiB here, then as `shoot`."""

def shootdown_at() -> int:
    """Where the same is for machine code: a C function (the root's address or 0, address, count, mode)."""

def acts() -> tuple[int, ...]:
    """Where the acts are that every processor can do: READ, WRITE, FETCH, SPIN, HAMMER, COPY, READ_MSR,
    READ_CONTROL."""
