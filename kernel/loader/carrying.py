"""What the state of a replaced object becomes: the bytes of its writable sections, and the addresses in them.

What relocations stored is stored anew. An address of the old object that the program itself has stored is carried to
the same place of the new one: in a writable section by its offset, elsewhere by the name of the symbol that begins
there. One that has no such place is refused, for it would lead into what is gone.
"""

import micropython
import uctypes

from .errors import AddressInState, SizeDiffers
from .relocations import signed, unsigned

WORD_BYTES = 8


@micropython.native
def carried(old, new):
    """[(bytes of a writable section of `new`, what they will be)], for LoadedObjects; nothing is changed.

    Raises SizeDiffers or AddressInState.
    """
    pairs, found = _pairs(old, new), []
    for section, now in pairs:
        then, stored = old.relocated.get(section, {}), new.relocated.get(now, {})
        contents = bytearray(uctypes.bytearray_at(unsigned(section.address), section.size))
        for offset, data in stored.items():
            if offset in then and contents[offset : offset + len(data)] == then[offset]:
                contents[offset : offset + len(data)] = data
        _move_addresses(contents, section, old, new, pairs)
        found.append((uctypes.bytearray_at(unsigned(now.address), now.size), contents))
    return found


@micropython.native
def _pairs(old, new):
    """[(writable section of `old`, the one of `new` with its name)]; of several with one name, in their order."""
    left = [each for each in new.sections.values() if each.group == "data"]
    pairs = []
    for section in old.sections.values():
        if section.group != "data":
            continue
        now = None
        for each in left:
            if each.name == section.name:
                now = each
                break
        size = now.size if now else 0
        if size != section.size:
            text = "its state can't be carried over: %%s bytes, and %s has %#x: give a state function"
            raise SizeDiffers(new.name, section.name, size, text % (section, section.size))
        left.remove(now)
        pairs.append((section, now))
    return pairs


def _move_addresses(contents, section, old, new, pairs):
    """Let the addresses of `old` in the contents of one of its sections be those of the same places of `new`."""
    at = uctypes.addressof(contents)
    offset = next_address(at, -section.address % WORD_BYTES, section.size, old.start, old.end)
    while offset >= 0:
        address = signed(int.from_bytes(contents[offset : offset + WORD_BYTES], "little"))
        place = _same_place(address, old, new, pairs)
        if place is None:
            text = "at offset %#x it holds %%s, an address in %s that %s does not have: give a state function"
            name = " of ".join([part for part in (old.where(address)[0], old.name) if part])
            raise AddressInState(old.name, section.name, unsigned(address), text % (offset, name, new.name))
        contents[offset : offset + WORD_BYTES] = unsigned(place).to_bytes(WORD_BYTES, "little")
        offset = next_address(at, offset + WORD_BYTES, section.size, old.start, old.end)


def _same_place(address, old, new, pairs):
    """The address in `new` that is what an address is in `old`, or None."""
    for past_the_end in (0, 1):  # where two sections meet, an address is the beginning of the second
        for section, now in pairs:
            if section.address <= address < section.address + section.size + past_the_end:
                return now.address + address - section.address
    _, symbol, offset = old.where(address)
    is_of_the_source = symbol and symbol[:2] != ".L"  # the compiler's own labels are numbered anew each time
    return new.address_of(symbol) if is_of_the_source and not offset else None


@micropython.native
def leads_into(users, object):
    """Whether a word in a writable section of one of `users`, LoadedObjects, is an address in another one."""
    low, high = object.start, object.end
    for user in users:
        if user.data_bytes and user is not object and next_address(user.data_start, 0, user.data_bytes, low, high) >= 0:
            return True
    return False


@micropython.viper
def next_address(at: int, offset: int, size: int, low: int, high: int) -> int:
    """The offset, from `offset` on, of the first word in `size` bytes at an address that is from low to high - 1.

    -1 if there is none. low and high: signed, in one 4 GiB, the top one.
    """
    last = size - 8
    while offset <= last:
        word = ptr32(at + offset)
        if int(word[1]) == 0xFFFFFFFF:
            address = int(word[0]) | -0x100000000
            if address >= low and address < high:
                return offset
        offset += 8
    return -1
