"""More pages than frames: who has to go is a policy's to decide, where it goes is a store's.

    from replacement import Swapped
    area = Swapped(PageRange.from_virt_addr(VirtualAddress(0x200000000000), 1 << 20), frames=64, policy="clock")

files       `map_file`: a file in memory
swapped     `Swapped`: a range of pages on a fixed number of frames
residents   the pages that have one: how they come, are stored, and go
chooser     the policy in use
store       the protocol of backing stores, and those in RAM
policy      the protocol of policies; policies/ has one in each file
bits        what the MMU tells them
"""

from .errors import BadStore, PolicyFailed, StoreError, UnknownPolicy
from .files import FileStore, MappedFile, PrivateStore, map_file
from .policy import Policy
from .store import BackingStore, RamStore
from .swapped import Swapped

__all__ = (
    "BackingStore",
    "BadStore",
    "FileStore",
    "MappedFile",
    "Policy",
    "PolicyFailed",
    "PrivateStore",
    "RamStore",
    "StoreError",
    "Swapped",
    "UnknownPolicy",
    "map_file",
)
