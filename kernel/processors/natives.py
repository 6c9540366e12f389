"""The native module of the other processors, and those that starting them needs."""

from paging.natives import cpu, memory, processors

__all__ = ["cpu", "memory", "processors"]
