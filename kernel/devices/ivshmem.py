"""Memory that the host's programs see, too: QEMU's `ivshmem-plain`.

`-object memory-backend-file,id=m,size=1M,mem-path=/dev/shm/m,share=on -device ivshmem-plain,memdev=m`: who maps the
file shares it, without a copy. QEMU, "Inter-VM Shared Memory device".
"""

from micropython import const

from .caching import CACHED
from .pci import find

VENDOR, DEVICE = const(0x1AF4), const(0x1110)
SHARED = const(2)


class SharedMemory:
    """The device; having one means that nobody else here has its memory: `.memory`, its MappedPages."""

    def __init__(self, index=0):
        """The device, or the `index`-th of several. Raises NoSuchDevice, NoSuchBar, NoRoomForBar or BarInUse."""
        self.function = find(VENDOR, DEVICE, index)
        self.memory = self.function.bar(SHARED).claim("ivshmem", CACHED)

    def drop(self):
        """Give the memory back; what is in it stays. Raises StillBorrowed."""
        self.memory.drop()

    def __repr__(self):
        return "ivshmem at %s, %s bytes" % (self.function.place, hex(self.memory.size_in_bytes))
