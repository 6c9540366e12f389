"""Guest RAM as the host sees it: QEMU keeps it in a memory file that both map."""

import functools
import mmap
import os
import struct

import machine


class GuestMemory:
    """The RAM of a q35 machine, addressed by guest-physical address; `levels()` says how deep its tables are.

    Reads and writes take no lock: stop the guest (monitor.stop()) or have it wait at its prompt first.
    """

    def __init__(self, file, levels):
        self._levels = levels
        self.size_in_bytes = os.fstat(file).st_size
        self.low_size_in_bytes = machine.low_memory_in_bytes(self.size_in_bytes)
        self.high_start = machine.high_memory_start(self.size_in_bytes)
        self.buffer = mmap.mmap(file, self.size_in_bytes)

    @functools.cached_property
    def levels(self):
        """How many levels of page tables the processor goes through; asked once, so the machine has to be up."""
        return self._levels()

    def offset_of(self, address, length=1):
        """Return where a guest-physical range lies in the file; ValueError if it isn't all RAM."""
        if address >= 0 and address + length <= self.low_size_in_bytes:
            return address
        offset = address - self.high_start + self.low_size_in_bytes
        if address >= self.high_start and offset + length <= self.size_in_bytes:
            return offset
        raise ValueError(f"{address:#x}..{address + length - 1:#x} is not RAM of this machine")

    def is_ram(self, address, length=1):
        """Answer whether a guest-physical range is all RAM."""
        try:
            self.offset_of(address, length)
        except ValueError:
            return False
        return True

    def read(self, address, length):
        """Return bytes of guest RAM."""
        offset = self.offset_of(address, length)
        return self.buffer[offset : offset + length]

    def write(self, address, data):
        """Write bytes into guest RAM, behind the guest's back."""
        offset = self.offset_of(address, len(data))
        self.buffer[offset : offset + len(data)] = data

    def read_entry(self, address):
        """Return the 64-bit little-endian word at a guest-physical address."""
        return struct.unpack("<Q", self.read(address, 8))[0]

    def write_entry(self, address, value):
        """Write a 64-bit little-endian word at a guest-physical address."""
        self.write(address, struct.pack("<Q", value))

    def close(self):
        """Unmap the file."""
        self.buffer.close()
