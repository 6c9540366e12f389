"""The native module of the other processors, and those that starting them needs."""

import _processors as processors
from paging.natives import cpu, memory

__all__ = ["cpu", "memory", "processors"]
