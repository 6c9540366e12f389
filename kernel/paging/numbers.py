"""Typed objects out of numbers that the hardware layer vouches for, without checking them again."""

from memory_structs import Frame, Page, Page1G, Page2M, Page4K, PhysicalAddress

SIZES = (None, Page4K, Page2M, Page1G)


def frame_of(number, size=Page4K):
    """The Frame with that number."""
    made = object.__new__(Frame)
    made._number = number
    made._size = size
    return made


def page_of(number, size=Page4K):
    """The Page with that number."""
    made = object.__new__(Page)
    made._number = number
    made._size = size
    return made


def physical_address_of(value):
    """The PhysicalAddress with that value."""
    made = object.__new__(PhysicalAddress)
    made._value = value
    return made


def level_of(size):
    """1, 2 or 3 for Page4K, Page2M or Page1G."""
    return size._level


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
