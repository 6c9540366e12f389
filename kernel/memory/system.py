"""The functions that a user types, and the one slot that they use.

The slot is filled at boot, once: by `init_post_heap`. Before that, every question to it raises NotInitialized.
"""

from memory_structs import NotInitialized
from memory_structs.instances import seal
from paging.frame_allocators import Keeper
from paging.natives import cpu, critical
from paging.protection import Protection

from .allocators import create_allocators
from .audit import verify as audit_all
from .heap import PythonHeap
from .init import InitialMemoryMappings, MemoryManagementInfo, initialize
from .lending import Lending
from .reclaim import find_forgotten
from .refusals import AlreadyInitialized


class _Nothing:
    """What is in the slot before boot: every question to it raises NotInitialized."""

    def __getattr__(self, name):
        raise NotInitialized("memory")


# The one slot that the free functions use.
_system = _Nothing()


def install(system):
    """Fill the slot, once: `init_post_heap` does it at boot. Raises AlreadyInitialized."""
    global _system
    if type(_system) is not _Nothing:
        raise AlreadyInitialized("memory")
    _system = system


def installed():
    """What is in the slot: the MemoryManagementInfo. Raises NotInitialized at the first question to it before boot."""
    return _system


def init(boot_info):
    """Take over the machine's memory and switch to the kernel's own table; returns InitialMemoryMappings.

    `init_post_heap` finishes it. Raises AlreadyInitialized.
    """
    if Protection.live is not None:  # whatever is in the slot, the machine's memory is handed out already
        raise AlreadyInitialized("memory")
    return initialize(boot_info, create_allocators)


def init_post_heap(mappings):
    """Drop the identity mappings and fill the slot of the free functions; returns the MemoryManagementInfo.

    mappings: what `init` returned. Raises TypeError, AlreadyInitialized.
    """
    if type(_system) is not _Nothing or Keeper.live is not None:
        raise AlreadyInitialized("memory")
    if type(mappings) is not InitialMemoryMappings:
        raise TypeError("the InitialMemoryMappings of init() expected, not %s" % type(mappings).__name__)
    mappings.identity.drop_all()
    information = MemoryManagementInfo._of_boot(mappings.page_table, mappings)
    information.heap = heap = PythonHeap(information.page_table, information.frame_allocator)
    lending = Lending(information.page_table)
    reclaim = find_forgotten(information, information.page_table, lending)
    heap.tend()

    def catch_up():
        reclaim()
        heap.tend()

    critical.set_safe_point(catch_up)
    Protection.live.areas = heap.areas
    Keeper.live = lending  # from here on frames have owners, who lend them
    install(information)
    for one in information, information.page_table, information.frame_allocator, information.page_allocator:
        seal(type(one))  # the kernel goes by their attributes
    seal(type(information.frame_allocator.table_frames))
    return information


def get_kernel_mmi_ref():
    """The kernel's MemoryManagementInfo, or None before `init_post_heap`."""
    return None if type(_system) is _Nothing else _system


def allocate_pages(count):
    """Own `count` pages of the kernel's pool. Raises OutOfPages."""
    return _system.allocate_pages(count)


def allocate_pages_at(address, count):
    """Own exactly the `count` pages from the one that contains `address` on. Raises AddressInUse or OutOfRange."""
    return _system.page_allocator.allocate_at(address, count)


def allocate_pages_by_bytes(size_in_bytes):
    """Own as many pages of the kernel's pool as hold `size_in_bytes` bytes."""
    return _system.page_allocator.allocate_by_bytes(size_in_bytes)


def allocate_pages_by_bytes_at(address, size_in_bytes):
    """Own exactly the pages that hold the `size_in_bytes` bytes from `address` on."""
    return _system.page_allocator.allocate_by_bytes_at(address, size_in_bytes)


def allocate_pages_in_range(count, limits):
    """Own `count` pages inside the PageRange `limits`."""
    return _system.page_allocator.allocate_in_range(count, limits)


def allocate_pages_by_bytes_in_range(size_in_bytes, limits):
    """Own as many pages inside the PageRange `limits` as hold `size_in_bytes` bytes."""
    return _system.page_allocator.allocate_by_bytes_in_range(size_in_bytes, limits)


def allocate_pages_deferred(request, count):
    """Own `count` pages as `request` wishes. Returns (AllocatedPages, DeferredAllocAction)."""
    return _system.page_allocator.allocate_deferred(request, count)


def allocate_pages_by_bytes_deferred(request, size_in_bytes):
    """As `allocate_pages_deferred`, by bytes."""
    return _system.page_allocator.allocate_by_bytes_deferred(request, size_in_bytes)


def allocate_frames(count):
    """Own `count` frames of usable RAM. Raises OutOfFrames."""
    return _system.allocate_frames(count)


def allocate_frames_at(address, count):
    """Own exactly the `count` frames from the one that contains `address` on: usable RAM, or a device region."""
    return _system.frame_allocator.allocate_at(address, count)


def allocate_frames_by_bytes(size_in_bytes):
    """Own as many frames as hold `size_in_bytes` bytes."""
    return _system.frame_allocator.allocate_by_bytes(size_in_bytes)


def allocate_frames_by_bytes_at(address, size_in_bytes):
    """Own exactly the frames that hold the `size_in_bytes` bytes from `address` on."""
    return _system.frame_allocator.allocate_by_bytes_at(address, size_in_bytes)


def allocate_frames_in_range(count, limits):
    """Own `count` frames of usable RAM inside the FrameRange `limits`."""
    return _system.frame_allocator.allocate_in_range(count, limits)


def allocate_frames_by_bytes_in_range(size_in_bytes, limits):
    """Own as many frames inside the FrameRange `limits` as hold `size_in_bytes` bytes."""
    return _system.frame_allocator.allocate_by_bytes_in_range(size_in_bytes, limits)


def allocate_frames_deferred(request, count):
    """Own `count` frames as `request` wishes. Returns (AllocatedFrames, DeferredAllocAction)."""
    return _system.frame_allocator.allocate_deferred(request, count)


def allocate_frames_by_bytes_deferred(request, size_in_bytes):
    """As `allocate_frames_deferred`, by bytes."""
    return _system.frame_allocator.allocate_by_bytes_deferred(request, size_in_bytes)


def create_mapping(size_in_bytes, flags, huge=True, override=None):
    """Map as many new pages as hold `size_in_bytes` bytes to any frames; returns MappedPages, all zero.

    Raises ValueError (zero bytes), OutOfPages, OutOfFrames or WritableExecutable.
    """
    return _system.create_mapping(size_in_bytes, flags, huge, override)


def create_mapping_at(address, size_in_bytes, flags, huge=True, override=None):
    """As `create_mapping`, at exactly this VirtualAddress, the first of a page, in either half.

    Pages of the lower half are mapped in the kernel's own table; each PageTable has a method of this name.
    Raises TypeError, ValueError (zero bytes), Misaligned, AddressInUse, OutOfRange, PageAlreadyMapped, OutOfFrames or
    WritableExecutable; then nothing has changed.
    """
    return _system.page_table.create_mapping_at(address, size_in_bytes, flags, huge, override)


def create_contiguous_mapping(size_in_bytes, flags):
    """As `create_mapping`, in frames that touch; returns (MappedPages, PhysicalAddress of the first)."""
    return _system.page_table.create_contiguous_mapping(size_in_bytes, flags)


def map_frame_range(address, size_in_bytes, flags):
    """Map new pages to exactly the frames that hold `size_in_bytes` bytes from a PhysicalAddress on (devices, ACPI).

    The frames are yours until the mapping is dropped. Raises AddressInUse when somebody has them.
    """
    return _system.page_table.map_frame_range(address, size_in_bytes, flags)


def create_identity_mapping(count, flags):
    """Map `count` pages of the lower half to the frames with the same numbers, wherever both are free."""
    return _system.page_table.create_identity_mapping(count, flags)


def translate(address):
    """The PhysicalAddress that a VirtualAddress leads to in the active table, or None."""
    table = _system.page_table
    return table._table_of_root(cpu.read_root_frame()).translate_addr(address)


def set_broadcast_tlb_shootdown_cb(callback):
    """Have `callback(PageRange)` called after every local flush, before frames are free again; None for none."""
    _system.page_table.set_shootdown(callback)


def verify():
    """Audit all of memory; returns an Audit: `.violations` is empty when all is well."""
    return audit_all(_system.page_table)
