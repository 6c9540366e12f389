"""The other processors of the machine: they never run Python, but do jobs that Python gives them.

from processors import HAMMER, processor
ap = processor(1)                            # the first use starts them all
ap.read(m.start_address)                     # on the other CPU; its TLB remembers
ap.call(function, 1, 2)                      # machine code by as_func, or a viper function
ap.start(HAMMER, m.start_address, 512, 4096, 0); ap.stop()
ap.attach(page_table); ap.park()

starting   who there is (MADT), and how they come
jobs       what can be called, and with which registers
one        Processor: its jobs, its tables, its faults
errors     what is refused
"""

from .errors import (
    JobStopped,
    JobTooLong,
    NeedsPython,
    NoSuchProcessor,
    ProcessorBusy,
    ProcessorError,
    ProcessorIdle,
    ProcessorSilent,
)
from .jobs import COPY, FETCH, HAMMER, READ, READ_CONTROL, READ_MSR, SPIN, WRITE
from .one import Processor, processor, processors, started
from .starting import NoTrampoline

__all__ = (
    "COPY",
    "FETCH",
    "HAMMER",
    "READ",
    "READ_CONTROL",
    "READ_MSR",
    "SPIN",
    "WRITE",
    "JobStopped",
    "JobTooLong",
    "NeedsPython",
    "NoSuchProcessor",
    "NoTrampoline",
    "Processor",
    "ProcessorBusy",
    "ProcessorError",
    "ProcessorIdle",
    "ProcessorSilent",
    "processor",
    "processors",
    "started",
)
