"""The native module of the other processors, and those that starting them needs."""

from paging.natives import LAYOUT, boot, cpu, entries, memory, processors

__all__ = ["LAYOUT", "boot", "cpu", "entries", "memory", "processors"]
