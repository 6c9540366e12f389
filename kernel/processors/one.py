"""`Processor`: another processor, and the job that it has."""

import time

from devices.interrupts import Vector
from faults import PageFault
from faults.handlers import handler_of
from memory import PageTable, Stack
from memory.refusals import Busy
from micropython import const
from paging.shootdown import attached, parked
from paging.user_pages import access_to

from . import starting
from .errors import JobStopped, JobTooLong, NeedsPython, NoSuchProcessor, ProcessorBusy, ProcessorIdle, ProcessorSilent
from .jobs import FETCH, READ, READ_CONTROL, WRITE, Job, number_of
from .natives import processors as native

STACK_PAGES = const(8)
SLICE_US, STOP_LIMIT_MS = const(10_000), const(3000)
CALL_LIMIT_MS = const(10_000)
RETRIES_MAX = const(16)  # one instruction touches fewer pages than that
STATES = {native.PARKED: "parked", native.ATTACHED: "attached", native.RUNNING: "running", native.ASKING: "asking"}


class Processor:
    """Another processor of the machine. Its jobs run on the active PageTable, or on the one that `attach` has named.

    Between jobs it stays attached: its TLB remembers, and it is told of changes. `park()` ends that.
    """

    def __init__(self, number, apic_id):
        self.number = number
        self.apic_id = apic_id
        self._job = None
        self._stack = None
        self._table = None  # what it is on
        self._wanted = None  # what attach() named
        self._failure = None
        self._asked_at = None
        self._times = 0

    # --- jobs ---

    def read(self, address, limit_ms=CALL_LIMIT_MS):
        """The 8 bytes at an address, as that processor reads them: an int. Raises PageFault, or as `call`."""
        with self._access_to(address):
            return self._perform(READ, (address,), limit_ms)

    def write(self, address, value, limit_ms=CALL_LIMIT_MS):
        """Have it write 8 bytes. Raises PageFault, or as `call`."""
        with self._access_to(address):
            self._perform(WRITE, (address, value), limit_ms)

    def _access_to(self, address):
        """Its jobs may touch pages for users if that is allowed here when they are posted: who names one means it."""
        table = self._wanted or PageTable.from_current()
        return access_to(table.access, number_of(address), 8)

    def fetch(self, address, limit_ms=CALL_LIMIT_MS):
        """Have it call an address as a function without arguments; returns RAX. Raises PageFault, or as `call`."""
        return self._perform(FETCH, (address,), limit_ms)

    def call(self, function, *arguments, limit_ms=CALL_LIMIT_MS):
        """Have it do a job, and wait. Returns its result.

        function: an act of `processors`, machine code by `as_func`, or a viper function; what needs Python ends one:
        NeedsPython. A page fault goes to the handler of its range (`on_fault`), else it is raised here, as any
        exception of that processor. The job is stopped after `limit_ms`: JobTooLong; and by Ctrl-C.

        Raises ProcessorBusy, TypeError or OverflowError, too; then nothing was done.
        """
        return self._perform(function, arguments, limit_ms)

    def _perform(self, function, arguments, limit_ms):
        self.start(function, *arguments)
        try:
            return self.wait(limit_ms)
        except BaseException:
            if self.is_busy:
                self.stop()
            raise

    def start(self, function, *arguments):
        """As `call`, without waiting: `wait()` brings the result, `stop()` ends the job."""
        self._post(function, arguments, vector().number)

    def look(self, function, *arguments):
        """As `call`, but no handler is asked about a page fault: that is returned then. For a look from outside."""
        self._post(function, arguments, 0)
        try:
            return self.wait(CALL_LIMIT_MS)
        except PageFault as fault:
            return fault

    def _post(self, function, arguments, vector):
        if self.is_busy:
            raise ProcessorBusy(self.number)
        job = Job(self.number, function, arguments)
        table = self._wanted or PageTable.from_current()
        if self._stack is None:
            self._stack = Stack(STACK_PAGES)
        bottom, top = self._stack.bottom.value, self._stack.top.value
        root = table.physical_address.value >> 12
        attached(self.number, root)
        self._table, self._job, self._failure, self._asked_at = table, job, None, None
        if not native.post(self.number, job.entry, root, bottom, top, vector, job.registers):
            raise ProcessorBusy(self.number)

    def wait(self, limit_ms=None):
        """The result of the job that was started, when it is done. Raises what `call` does, but a job whose time is
        over goes on; ProcessorIdle if there is none."""
        job = self._job
        if job is None:
            raise ProcessorIdle(self.number)
        began = time.ticks_ms()
        while not native.wait(self.number, SLICE_US):
            if limit_ms is not None and time.ticks_diff(time.ticks_ms(), began) >= limit_ms:
                raise JobTooLong(self.number, limit_ms)
            _answer_all(None)  # who could not answer when it was asked
        self._job = None
        return self._end_of(job)

    def stop(self):
        """End its job, whatever it does; nothing if it has none. Raises ProcessorSilent."""
        for _ in range(STOP_LIMIT_MS * 1000 // SLICE_US):
            if not self.is_busy:
                break
            native.stop(self.number)
            native.wait(self.number, SLICE_US)
        else:
            raise ProcessorSilent(self.number, "does not end its job")
        self._job = None

    def _end_of(self, job):
        outcome = native.state(self.number)[1]
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if outcome == native.FAULT:
            native.log_fault(self.number, False)
            raise native.fault(self.number, False)
        if outcome == native.REFUSED:
            raise NeedsPython(self.number, job.function, native.result(self.number)[0])
        if outcome != native.DONE:
            raise JobStopped(self.number)
        return job.result(self.number)

    # --- what it is on ---

    def attach(self, page_table):
        """Have it on a PageTable from now on, for all later jobs, too. Raises TypeError, UseAfterMove, or as `call`."""
        if not isinstance(page_table, PageTable):
            raise TypeError("a PageTable expected, not %s" % type(page_table).__name__)
        page_table.physical_address  # noqa: B018 (raises if it is over)
        if self.is_busy:
            raise ProcessorBusy(self.number)
        self._wanted = page_table
        self.call(READ_CONTROL, 3)

    def park(self):
        """Have it sleep on the boot's tables, where no change of Python's concerns it. Raises ProcessorBusy."""
        self._wanted = None
        if not native.park(self.number):
            raise ProcessorBusy(self.number)
        if not native.wait(self.number, STOP_LIMIT_MS * 1000):
            raise ProcessorSilent(self.number, "does not go to sleep")
        self._table = self._job = None
        parked(self.number)

    # --- what it is doing ---

    @property
    def state(self):
        """parked, attached (and asleep), running, or asking (a fault of its waits for a handler)."""
        return STATES[native.state(self.number)[0]] if self.is_there else "did not come"

    @property
    def is_there(self):
        return native.came() >> self.number & 1 == 1

    @property
    def is_busy(self):
        return native.state(self.number)[0] >= native.RUNNING

    @property
    def root(self):
        """The number of its root's frame; 0 while it is parked."""
        return native.state(self.number)[3] if self.is_there else 0

    @property
    def page_table(self):
        """The PageTable that it is on; None while it is parked."""
        return self._table

    @property
    def counts(self):
        """(jobs that have ended, exceptions that it took, shootdowns that it served), since power-on."""
        return native.state(self.number)[4:] if self.is_there else (0, 0, 0)

    def __repr__(self):
        return "<CPU %d, %s>" % (self.number, self.state)

    # --- its page faults ---

    def _answer(self):
        """It asks about a page fault: have the handler of the range decide, as for a fault of this processor."""
        registers = native.registers(self.number)
        self._times = self._times + 1 if registers == self._asked_at else 0
        self._asked_at = registers
        retry = False
        fault = native.fault(self.number, self._times >= RETRIES_MAX)
        try:
            handler = handler_of(fault.record.page)
            if handler is None or self._times >= RETRIES_MAX:
                self._failure = fault
            elif handler.answer(fault):
                retry = True
            else:
                self._failure = fault
        except Busy:
            self._asked_at = None
            return  # who answers is at work just now: wait() asks again
        except BaseException as error:
            self._failure = error
        native.log_fault(self.number, retry)
        native.answer(self.number, retry)
        if isinstance(self._failure, KeyboardInterrupt):
            raise self._failure


_processors = []
_vector = []


def all_processors():
    """A Processor for each that the MADT has, whether it came or not; they are started at the first call."""
    if not _processors:
        ids = starting.start()
        _processors[:] = [Processor(number, apic_id) for number, apic_id in enumerate(ids) if number]
    return _processors


def processors():
    """All other processors that have come, as Processors; started at the first call. Raises as `starting.start`."""
    return tuple([each for each in all_processors() if each.is_there])


def processor(number):
    """The Processor of that number, from 1 on. Raises NoSuchProcessor, ProcessorSilent if it did not come,
    TypeError."""
    if type(number) is not int:
        raise TypeError("the number of a CPU is an int, not %s" % type(number).__name__)
    there = all_processors()
    if not 0 < number <= len(there):
        raise NoSuchProcessor(number, len(there) + 1)
    if not there[number - 1].is_there:
        raise ProcessorSilent(number, "did not come when it was started")
    return there[number - 1]


def started():
    """The Processors that have come, without starting any."""
    return [each for each in _processors if each.is_there]


def vector():
    """The Vector by which others say that they ask about a page fault."""
    if not _vector:
        _vector.append(Vector(_answer_all))
    return _vector[0]


def _answer_all(_):
    for each in started():
        if native.state(each.number)[0] == native.ASKING:
            each._answer()
