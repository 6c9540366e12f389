"""Single loads and stores, and whole pages. Imported by one module of the kernel.

Every load and store is one instruction of the given width, so that it is never torn and a fault names the exact
address. An address is any int that fits 64 bits, aligned to the width (else ValueError). What the MMU refuses raises
PageFault; a non-canonical address GeneralProtectionFault. Loads return ints that are never negative; below 2**62
they allocate nothing.
"""

from collections.abc import Buffer

def load8(address: int) -> int: ...
def load16(address: int) -> int: ...
def load32(address: int) -> int: ...
def load64(address: int) -> int: ...
def store8(address: int, value: int) -> None:
    """OverflowError if the value does not fit; then nothing was written. The same holds for the other widths."""

def store16(address: int, value: int) -> None: ...
def store32(address: int, value: int) -> None: ...
def store64(address: int, value: int) -> None: ...
def zero_frames(frame: int, count: int) -> None:
    """Fill `count` frames with zeros, from the frame of that number on, through the physical window.

    Allocates nothing.
    """

def copy_frames(to_frame: int, from_frame: int, count: int) -> None:
    """Copy `count` frames upwards, by frame numbers, through the physical window. Allocates nothing."""

def read_bytes(address: int, length: int, width: int = ...) -> bytes:
    """Return a copy of memory. With a width of 1, 2, 4 or 8 bytes each element is one load, upwards; ValueError if
    address or length are no multiples of it. Without, it is made as the processor likes: not for devices."""

def write_bytes(address: int, data: Buffer, width: int = ...) -> None:
    """Copy a buffer into memory, by widths as `read_bytes` has them.

    After a PageFault a first part has been written.
    """
