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

# An access is a kind, with what goes with it.
READ, WRITE, EXECUTE = _probe.READ, _probe.WRITE, _probe.EXECUTE
USER, PRIMED, ALIGNMENT_CHECK = _probe.USER, _probe.PRIMED, _probe.ALIGNMENT_CHECK

# Settings of a block.
WRITE_PROTECT, NO_EXECUTE_ENABLE = _probe.WRITE_PROTECT, _probe.NO_EXECUTE_ENABLE
SMEP, SMAP, PROTECTION_KEYS = _probe.SMEP, _probe.SMAP, _probe.PROTECTION_KEYS

_CHUNK_BYTES = 0x8000


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


def step_access(address, kind=READ, user=False, value=0):
    """Return the step "access 8 bytes at an address"; value is what a write stores.

    What is executed has to be `b8 imm32 cc` (mov $imm32, %eax; int3) to count as a success.
    """
    return (_probe.STEP_ACCESS, kind | (USER if user else 0), address, value)


def step_entry(table_page, index, frame, flags):
    """Return the step "store an entry", with a frame number and a flag word, into a table mapped at a page."""
    return (_probe.STEP_ENTRY, table_page, index, frame, flags)


def step_invalidate(page):
    """Return the step "invlpg of a page number"."""
    return (_probe.STEP_INVALIDATE, page)


def step_flush():
    """Return the step "load CR3 with what it holds": all but global translations go."""
    return (_probe.STEP_FLUSH,)


def step_flush_global():
    """Return the step "toggle CR4.PGE": all translations go."""
    return (_probe.STEP_FLUSH_GLOBAL,)


def step_write_protect(on):
    """Return the step "set CR0.WP"; it is as before when the sequence has ended."""
    return (_probe.STEP_WRITE_PROTECT, on)


def sequence(steps):
    """Do up to 64 steps on the live tables with interrupts off; return the Outcome of each access among them."""
    return [Outcome(*result) for result in _probe.sequence(steps)]


def access(address, kind=READ, user=False, value=0):
    """Return the Outcome of one access on the live tables."""
    return sequence([step_access(address, kind, user, value)])[0]


def call(address):
    """Call an address as a function without arguments: a jump to where nothing may be executed is a PageFault."""
    _probe.call(address)


def block(flags, toggles, accesses, settings, pkru, place, value):
    """Return a block of cases, packed: every combination of some entry bits, times some accesses.

    flags: raw entries of levels 1 to 4 without addresses. toggles: (level, bit) pairs, at most 24; state n has the
    k-th flipped if bit k of n is set. place: (level-4 index, level-3 index, offset in the page). value: what the
    frame holds there, 0x....cc........b8.
    """
    toggled = bytes([number for pair in toggles for number in pair])
    counts = len(accesses), len(toggles)
    return struct.pack(_probe.BLOCK_FORMAT, *flags, value, *place, settings, pkru, *counts, bytes(accesses), toggled)


def results(packed_block, first, count):
    """Return the words of `count` states from state `first` on: two bytes per access."""
    accesses = packed_block[_probe.BLOCK_ACCESSES_COUNT_AT]
    buffer = bytearray(count * accesses * 2)
    _probe.run(packed_block, first, buffer)
    return buffer


def checksum(packed_block, first, count):
    """Return the CRC-32 of results(), without having them all at once."""
    accesses = packed_block[_probe.BLOCK_ACCESSES_COUNT_AT]
    at_once = _CHUNK_BYTES // (accesses * 2)
    crc, end = 0, first + count
    while first < end:
        now = min(at_once, end - first)
        crc = binascii.crc32(results(packed_block, first, now), crc)
        first += now
    return crc
