"""Typed objects out of numbers that the hardware layer vouches for, without checking them again."""

from memory_structs import Frame, Page, Page1G, Page2M, Page4K, PhysicalAddress, VirtualAddress
from memory_structs.instances import make

SIZES = (None, Page4K, Page2M, Page1G)


def frame_of(number, size=Page4K):
    """The Frame with that number."""
    return make(Frame, "_number", number, "_size", size)


def page_of(number, size=Page4K):
    """The Page with that number."""
    return make(Page, "_number", number, "_size", size)


def physical_address_of(value):
    """The PhysicalAddress with that value."""
    return make(PhysicalAddress, "_value", value)


def virtual_address_of(value):
    """The VirtualAddress with that value."""
    return make(VirtualAddress, "_value", value)


def check_page(page):
    """Refuse what is not a Page (TypeError); return it."""
    if type(page) is not Page:
        raise TypeError("a Page expected, not %s" % type(page).__name__)
    return page


def check_frame(frame):
    """Refuse what is not a Frame (TypeError); return it."""
    if type(frame) is not Frame:
        raise TypeError("a Frame expected, not %s" % type(frame).__name__)
    return frame
