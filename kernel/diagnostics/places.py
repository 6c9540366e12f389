"""Where things are: the address of anything that has one, and how far it reaches."""

from loader.handover import window_address
from memory_structs import PAGE_SHIFT, PAGE_SIZE, Frame, FrameRange, PhysicalAddress, VirtualAddress

from diagnostics.walks import WalkView

# Attributes that say where something is; the first that an object has counts. Some hold numbers of pages or frames.
SAYING_WHERE = ("view", "start_address", "address", "start", "range", "mapped_pages", "physical_address")
SAYING_WHERE += ("page", "frame", "first_page")
VIEWS = ("Slice", "Overlay", "Function")
BYTES_IN_AN_ENTRY = 8


def place_of(value):
    """Return the VirtualAddress or PhysicalAddress of a thing, or None if it has none.

    An entry of a table is where it lies; a range, a mapping, a page or a frame is where it begins. Raises what the
    thing itself says if it is over, and NonCanonicalAddress for a number that is no address.
    """
    if isinstance(value, (VirtualAddress, PhysicalAddress)):
        return value
    if type(value) is int:
        return VirtualAddress(value)
    if type(value).__name__ in VIEWS:
        return place_of_view(value)
    return None if isinstance(value, type) else place_said_by(value)


def place_said_by(value):
    """Return the address that an object's attributes say, or None: that of an entry is in the table that holds it."""
    table, index = getattr(value, "table", None), getattr(value, "index", None)
    if isinstance(table, Frame) and type(index) is int:
        return table.start_address + index * BYTES_IN_AN_ENTRY
    for name in SAYING_WHERE:
        inner = getattr(value, name, None)
        if type(inner) is int and name in ("address", "page", "first_page"):
            return VirtualAddress(inner if name == "address" else inner << PAGE_SHIFT)
        if inner is not None and type(inner) is not int and not callable(inner):
            found = place_of(inner)
            if found is not None:
                return found
    return None


def place_of_view(view):
    """Return the address of a view of memory, or None if it is over. Its fields may hide what it can be asked."""
    digits = repr(view).rpartition(" at v")[2].rstrip(">")
    return VirtualAddress(int(digits, 16)) if digits[:2] == "0x" else None


def address_of(value):
    """Return the VirtualAddress of a thing, or None; what is physical is seen through the physical window."""
    place = place_of(value)
    return VirtualAddress(window_address(place.value)) if isinstance(place, PhysicalAddress) else place


def physical_of(value):
    """Return the PhysicalAddress of a thing, or None; what is virtual is where the active tables lead from there."""
    place = place_of(value)
    if not isinstance(place, VirtualAddress):
        return place
    physical = WalkView(place).physical
    return None if physical is None else PhysicalAddress(physical)


def extent_of(value):
    """Return the (first, last) VirtualAddress of a thing; a mere address stands for the page that it is in."""
    start = address_of(value)
    length = getattr(value, "size_in_bytes", None)
    if length is None and isinstance(value, FrameRange):
        length = len(value) * PAGE_SIZE
    length = length() if callable(length) else length
    first = start.value & -PAGE_SIZE
    return VirtualAddress(first), VirtualAddress(first + (length or PAGE_SIZE) - 1)
