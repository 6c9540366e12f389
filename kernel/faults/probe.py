"""Accesses whose outcome is recorded instead of taken: one at a time on the live tables, or by the thousand.

    from faults import probe
    probe.access(0x1000, probe.READ)                     # what the MMU says, without an exception
    probe.sequence([probe.step_access(a), probe.step_entry(table, index, frame, flags), probe.step_access(a)])

A sequence runs with nothing in between, so that a translation which is stale (entry changed, TLB not flushed)
is seen to be stale.
"""

import binascii
import struct

import _probe
from memory_structs.spaces import VIRTUAL

# An access is a kind, with what goes with it.
READ, WRITE, EXECUTE = _probe.READ, _probe.WRITE, _probe.EXECUTE
USER, PRIMED, ALIGNMENT_CHECK = _probe.USER, _probe.PRIMED, _probe.ALIGNMENT_CHECK

# Settings of a block.
WRITE_PROTECT, NO_EXECUTE_ENABLE = _probe.WRITE_PROTECT, _probe.NO_EXECUTE_ENABLE
SMEP, SMAP, PROTECTION_KEYS, BELOW_ROOT = _probe.SMEP, _probe.SMAP, _probe.PROTECTION_KEYS, _probe.BELOW_ROOT
SUPERVISOR_KEYS = _probe.SUPERVISOR_KEYS

_CHUNK_BYTES = 0x8000
_KIND, _ALL_ACCESSES = 3, 32
_ACCESSES_MAX, _TOGGLES_MAX = 48, 24
_STEP_FORMAT, _STEP_BYTES, _STEPS_MAX = "<5Q", 40, 64
_WORD = (1 << 64) - 1


class Outcome:
    """What one access did.

    ok: it ended as accesses do. Else vector is the exception's (14 is a page fault), error_code and address (CR2)
    belong to it. value is what a read found.
    """

    def __init__(self, ok, vector, error_code, cr2, value):
        self.ok = ok
        self.vector = None if ok else vector
        self.error_code = None if ok else error_code
        self.address = cr2 if not ok and vector == 14 else None
        self.value = value if ok else None

    def __repr__(self):
        if self.ok:
            return "<ok, %#x>" % self.value
        if self.vector == 14:
            return "<page fault at %#x, error code %#x>" % (self.address, self.error_code)
        return "<vector %d, error code %#x>" % (self.vector, self.error_code)


def _below(value, limit, what):
    if type(value) is not int:
        raise TypeError("%s is %r: an int expected" % (what, value))
    if not 0 <= value < limit:
        raise ValueError("%s is %d: must be from 0 to %#x" % (what, value, limit - 1))
    return value


def _page(number):
    if not VIRTUAL.has_number(_below(number, 1 << 52, "page number")):
        raise ValueError("page number %d is not canonical" % number)
    return number


def _check_access(kind):
    if _below(kind, _ALL_ACCESSES, "access") & _KIND > EXECUTE:
        raise ValueError("access: 0 read, 1 write, 2 execute")


def _step(kind, *words):
    return struct.pack(_STEP_FORMAT, kind, *(words + (0, 0, 0, 0))[:4])


def step_access(address, kind=READ, user=False, value=0):
    """Return the step "access 8 bytes at an address"; value is what a write stores.

    What is executed has to be `b8 imm32 cc` (mov $imm32, %eax; int3) to count as a success.
    """
    _check_access(kind)
    return _step(_probe.STEP_ACCESS, kind | (USER if user else 0), address & _WORD, value & _WORD)


def step_entry(table_page, index, frame, flags):
    """Return the step "store an entry", with a frame number and a flag word, into a table mapped at a page."""
    place = _page(table_page), _below(index, 512, "index")
    return _step(_probe.STEP_ENTRY, *place, _below(frame, 1 << 40, "frame"), _below(flags, 1 << 24, "flags"))


def step_invalidate(page):
    """Return the step "invlpg of a page number"."""
    return _step(_probe.STEP_INVALIDATE, _page(page))


def step_flush():
    """Return the step "load CR3 with what it holds": all but global translations go."""
    return _step(_probe.STEP_FLUSH)


def step_flush_global():
    """Return the step "toggle CR4.PGE": all translations go."""
    return _step(_probe.STEP_FLUSH_GLOBAL)


def step_write_protect(on):
    """Return the step "set CR0.WP"; it is as before when the sequence has ended."""
    return _step(_probe.STEP_WRITE_PROTECT, 1 if on else 0)


def sequence(steps):
    """Do up to 64 steps on the live tables with interrupts off; return the Outcome of each access among them.

    The steps are this CPU's alone: no other one is told what has changed (paging.shootdown tells them).
    Raises ValueError for what is no step, and for more of them; then nothing was done.
    """
    if len(steps) > _STEPS_MAX:
        raise ValueError("at most %d steps" % _STEPS_MAX)
    for step in steps:
        if type(step) is not bytes or len(step) != _STEP_BYTES:
            raise ValueError("%r is no step" % (step,))
    packed = bytearray(b"".join(steps))
    _probe.sequence(packed)
    outcomes = []
    for index, step in enumerate(steps):
        if step[0] == _probe.STEP_ACCESS:
            ok, *words = struct.unpack_from(_STEP_FORMAT, packed, index * _STEP_BYTES)
            outcomes.append(Outcome(ok != 0, *words))
    return outcomes


def access(address, kind=READ, user=False, value=0):
    """Return the Outcome of one access on the live tables."""
    return sequence([step_access(address, kind, user, value)])[0]


def call(address):
    """Call an address as a function without arguments: a jump to where nothing may be executed is a PageFault."""
    _probe.call(address)


class Block:
    """Cases, packed as the native has them, and checked: `accesses` in each of `states`."""

    def __init__(self, packed, accesses, states):
        self.packed = packed
        self.accesses = accesses
        self.states = states


def block(flags, toggles, accesses, settings, pkru, pkrs, place, value):
    """Return a Block of cases: every combination of some entry bits, times some accesses.

    flags: raw entries of levels 1 to 3 and of the root without addresses; with BELOW_ROOT among the settings the last
    is one of level 4, below the root. toggles: (place 1 to 4 of the entry, bit) pairs, at most 24; state n has the k-th
    flipped if bit k of n is set. accesses: 1 to 48. place: (the root's index, that of the levels below it down to 3,
    offset in the page). pkru, pkrs: the rights of keys, for pages of users and of the kernel; those of key 0 are open
    in pkrs, for the probe itself has it.
    value: what the frame holds there, 0x....cc........b8. Raises ValueError or TypeError for anything else.
    """
    root_index, index, offset = place
    if not 0 < len(accesses) <= _ACCESSES_MAX or len(toggles) > _TOGGLES_MAX or len(flags) != 4:
        raise ValueError("block: 4 entries, 1 to 48 accesses, 0 to 24 toggles")
    for kind in accesses:
        _check_access(kind)
    for level, bit in toggles:
        if not (0 < level <= len(flags) and 0 <= bit < 64):
            raise ValueError("block: toggles are (level 1 to 4, bit 0 to 63)")
    if not 0 <= root_index < 512 or not 0 <= index < 512:
        raise ValueError("block: an index is from 0 to 511")
    if pkrs & 3:
        raise ValueError("block: pkrs must leave key 0 open")
    if not 0 <= offset <= 4096 - 8 or value & 0xFF != 0xB8 or value >> 40 & 0xFF != 0xCC:
        raise ValueError("block: offset at most 4088, value 0x....cc........b8")
    toggled = bytes([number for pair in toggles for number in pair])
    counts = len(accesses), len(toggles)
    words = flags + (value,) + place + (settings, pkru, pkrs) + counts
    return Block(struct.pack(_probe.BLOCK_FORMAT, *words, bytes(accesses), toggled), len(accesses), 1 << len(toggles))


def results(block, first, count):
    """Return the words of `count` states of a Block from state `first` on: two bytes per access.

    Raises ValueError, and NotImplementedError for settings that this CPU lacks; then nothing was done.
    """
    buffer = bytearray(count * block.accesses * 2)
    _probe.run(block.packed, _below(first, block.states, "first state"), buffer)
    return buffer


def checksum(block, first, count):
    """Return the CRC-32 of results(), without having them all at once."""
    at_once = _CHUNK_BYTES // (block.accesses * 2)
    crc, end = 0, first + count
    while first < end:
        now = min(at_once, end - first)
        crc = binascii.crc32(results(block, first, now), crc)
        first += now
    return crc
