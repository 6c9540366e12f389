"""Memory that a device reads or writes by itself (direct memory access, DMA): it is lent to the device.

While a device has it, nobody can drop, remap, merge or split the mapping (StillBorrowed names the device), so that its
frames never become somebody else's under the device's hands. A soft reset, and leaving the machine, stop all devices
before memory is handed out again. Where an IOMMU translates for a device, what it is lent is all that it can reach.
"""

from memory import (
    DMA_FLAGS,
    FrameRange,
    allocate_frames_in_range,
    allocate_pages,
    get_kernel_mmi_ref,
)
from memory_structs import PAGE_SHIFT, PAGE_SIZE

from .errors import DeviceError


class AboveDeviceLimit(DeviceError):
    """`address` of a buffer has more than the `bits` that the device can say."""

    def __init__(self, device, address, bits):
        self.address = address
        self.bits = bits
        text = "p%s is above what %d bits of address reach: new_buffer() finds what is not, if there is RAM"
        super().__init__(device, text % (hex(address), bits))


class PastTheEnd(DeviceError):
    """A transfer of `length` bytes from `offset` on does not stay inside `what`."""

    def __init__(self, device, what, offset, length, size):
        self.offset = offset
        self.length = length
        text = "%s bytes at offset %s do not lie inside %s, which has %d bytes" % (length, offset, what, size)
        super().__init__(device, text)


class NotInOnePiece(DeviceError):
    """The bytes asked for lie in several runs of frames, and the device wants one address."""


class NoMemory(DeviceError):
    """What is to be lent is no RAM."""


class Translation:
    """Who translates what devices say to memory: `Translation.live`, an Iommu; None while nobody does.

    .domain_of(device)   the Domain that translates for it, or None
    .raise_faults(device)    what it was refused is a DmaFault
    """

    live = None


def frame_allocator():
    return get_kernel_mmi_ref().frame_allocator


def check_transfer(device, what, offset, length, size):
    """Raise PastTheEnd unless `length` bytes, at least one, from `offset` on lie inside `size` bytes."""
    is_number = offset.__class__ is int and length.__class__ is int
    if not is_number or offset < 0 or length < 1 or offset + length > size:
        raise PastTheEnd(device, what, offset, length, size)


class DmaBuffer:
    """A mapping in the hands of a device. Having one means: its frames stay what they are until end().

    .device, .mapping    who has it; the MappedPages, which can be read and written as ever
    .runs                [(address that the device says, bytes), ...] in the order of its bytes, below its limit
    .writable            whether the device may write it, where it is translated for
    """

    def __init__(self, device, mapping, bits=64):
        """Lend a mapping of RAM to `device`, a Function or a driver, which can say addresses of so many bits.

        Where an IOMMU translates for it, it sees the mapping at its physical addresses. Raises AboveDeviceLimit,
        NoMemory, UseAfterMove, MappingDamaged, or as `Domain.map`; then it is not lent.
        """
        domain = None if Translation.live is None else Translation.live.domain_of(device)
        self._lend(device, mapping, bits, domain, None, True)

    def _lend(self, device, mapping, bits, domain, at, writable):
        self._domain = domain
        self.device = device
        self.mapping = mapping
        self.size_in_bytes = mapping.size_in_bytes
        self.writable = writable
        self.runs, self._loan = [], None  # a new attribute takes memory, and there may be none
        self._loan = mapping.lend_to(device)
        try:
            for run in mapping.frames():
                address, length = run.start_address.value, len(run) * PAGE_SIZE
                self.runs.append((address, length))
                if not frame_allocator().is_ram(run.start.number, run.end.number):
                    raise NoMemory(device, "%s is no RAM, which alone can be lent" % mapping)
                if address + length - 1 >> bits:
                    raise AboveDeviceLimit(device, address + length - 1, bits)
            if domain is not None:
                domain.enter(self, at)
            return  # in here: a Ctrl-C also comes where a `try` ends
        except BaseException:
            self._loan.end()
            raise

    def pieces(self, offset, length):
        """[(physical address, bytes), ...] of a part, for a device that takes a list. Raises PastTheEnd."""
        check_transfer(self.device, self, offset, length, self.size_in_bytes)
        found = []
        for address, size in self.runs:
            if offset < size and length:
                part = min(size - offset, length)
                found.append((address + offset, part))
                length -= part
            offset = max(offset - size, 0)
        return found

    def address(self, offset, length):
        """The physical address of a part that lies in one piece. Raises PastTheEnd or NotInOnePiece."""
        found = self.pieces(offset, length)
        if len(found) > 1:
            raise NotInOnePiece(self.device, "%d bytes at offset %d are %d pieces" % (length, offset, len(found)))
        return found[0][0]

    def check(self, device=None):
        """Raise DmaFault when an IOMMU has refused its device, or another one, anything since that was asked last."""
        if Translation.live is not None:
            Translation.live.raise_faults(device or self.device)

    def end(self):
        """The device is done with it: the mapping is its owner's alone. Again and again does no harm."""
        if self._domain is not None and self._loan.is_live:
            self._domain.leave(self)
        self._loan.end()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()

    def __repr__(self):
        return "DmaBuffer(%s of %s%s)" % (self.mapping, self.device, "" if self._loan.is_live else ", ended")


def new_buffer(device, size_in_bytes, bits=64):
    """A DmaBuffer over a new mapping, in one piece, below the device's limit.

    Raises ValueError (no bytes), AboveDeviceLimit (no RAM is below it), OutOfFrames or OutOfPages.
    After end() the `.mapping` is its owner's to drop.
    """
    if size_in_bytes.__class__ is not int or size_in_bytes < 1:
        raise ValueError("a buffer has 1 byte or more, not %r" % (size_in_bytes,))
    count = (size_in_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT
    last = (1 << bits) - 1 >> PAGE_SHIFT
    pool = frame_allocator().pool
    if last < pool.low:
        raise AboveDeviceLimit(device, pool.low << PAGE_SHIFT, bits)
    frames = allocate_frames_in_range(count, FrameRange.from_numbers(pool.low, min(last, pool.high)))
    try:
        pages = allocate_pages(count)
        mapping = get_kernel_mmi_ref().page_table.map_allocated_pages_to(pages, frames, DMA_FLAGS)
    except BaseException:
        if frames:
            frames.drop()
        raise
    return DmaBuffer(device, mapping, bits)
