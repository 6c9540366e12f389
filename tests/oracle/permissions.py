"""What an access does, by the SDM alone: the permission model of paging, over arrays of table states.

Written from the chapter "4-Level Paging and 5-Level Paging", sections "Access Rights", "Page-Fault Exceptions" and
"Accessed and Dirty Flags". Nothing here comes from the kernel. What the SDM leaves to the processor, and what an
emulator gets wrong, is a named field of Processor.

An outcome is packed as port/faults/probe_cases.h says: one 16-bit word.

    bits 0-5    P W U RSVD I/D PK of the error code     bit 6   page fault
    bits 8-11   ACCESSED newly set at levels 1-4        bit 7   anything that is neither success nor a page fault as
    bits 12-14  DIRTY newly set at levels 1-3                   it has to be (CR2, value, other bits of the entries)
"""

from dataclasses import dataclass

import numpy

from oracle.page_walk import LARGEST_PAGE_LEVEL

PRESENT, WRITABLE, USER, ACCESSED, DIRTY, HUGE = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7
NO_EXECUTE = 1 << 63
KEY_SHIFT = 59
# The entries that a case is about. The highest is the root's, or one of level 4 below it: one rule is for both.
LEVELS = (4, 3, 2, 1)
READ, WRITE, EXECUTE = 0, 1, 2
CODE_P, CODE_W, CODE_U, CODE_RSVD, CODE_FETCH, CODE_KEY = 1, 2, 4, 8, 16, 32
FAULT = 1 << 6
ACCESSED_SHIFT, DIRTY_SHIFT = 8, 12


@dataclass(frozen=True)
class Processor:
    """What differs between processors.

    upper_accessed_on_fault: ACCESSED of the levels above the one that faults is set all the same. The SDM allows
    both; TCG does, Bochs doesn't.
    tcg_rsvd_without_p: QEMU's TCG leaves P out of the error code of a reserved-bit fault. The SDM has it.
    tcg_gigabyte_leaf_accessed: TCG sets ACCESSED of a 1 GiB leaf before it looks at the rights and at bits 13 to 29;
    at every other size, and by the SDM ("used … as part of linear-address translation"), a refused leaf stays as it is.
    bochs_pku: Bochs 2.7 takes the ring of the access where the SDM takes the mode of the address: keys also deny
    accesses to supervisor-mode addresses, and AD does not deny a supervisor's.
    """

    physical_bits: int = 40
    gigabyte_pages: bool = True
    upper_accessed_on_fault: bool = True
    tcg_rsvd_without_p: bool = False
    tcg_gigabyte_leaf_accessed: bool = False
    bochs_pku: bool = False


@dataclass(frozen=True)
class Settings:
    """CR0.WP, EFER.NXE, CR4.SMEP, CR4.SMAP, CR4.PKE with the value of PKRU, CR4.PKS with that of IA32_PKRS."""

    wp: bool = True
    nxe: bool = True
    smep: bool = False
    smap: bool = False
    pke: bool = False
    pkru: int = 0
    pks: bool = False
    pkrs: int = 0


@dataclass(frozen=True)
class Access:
    """One access: kind, ring 3 or not, RFLAGS.AC, and whether a supervisor's read of the address came before."""

    kind: int
    user: bool = False
    ac: bool = False
    primed: bool = False


def bits(low, high):
    """Return a mask of bits low to high, both included."""
    return (1 << (high + 1)) - (1 << low)


def always_reserved(processor, settings):
    """Return the bits that are reserved in every present entry."""
    return bits(processor.physical_bits, 51) | (0 if settings.nxe else NO_EXECUTE)


def reserved_masks(level, processor, settings):
    """Return (mask for an entry that names a table, mask for one that maps a page)."""
    always = always_reserved(processor, settings)
    if level > LARGEST_PAGE_LEVEL:
        return always | HUGE, always | HUGE
    if level == 3:
        return always, always | (bits(13, 29) if processor.gigabyte_pages else HUGE)
    return always, always | (bits(13, 20) if level == 2 else 0)


class Walk:
    """The entries on the way to the page, gathered over arrays: what each level allows, and where the walk ends.

    entries: {level: array of raw entries}. Afterwards not_present and reserved say where the walk failed,
    reached[level] which entries were used without failing, leaf[level] which of them map the page.
    """

    def __init__(self, entries, processor, settings):
        shape = entries[LEVELS[0]].shape
        self.not_present, self.reserved, ended = (numpy.zeros(shape, bool) for _ in range(3))
        self.writable, self.user = (numpy.ones(shape, bool) for _ in range(2))
        self.no_execute = numpy.zeros(shape, bool)
        self.leaf_entry = numpy.zeros(shape, numpy.uint64)
        self.reached, self.leaf = {}, {}
        for level in LEVELS:
            entry = entries[level]
            maps = numpy.ones(shape, bool) if level == 1 else has(entry, HUGE) & (level <= LARGEST_PAGE_LEVEL)
            naming, mapping = reserved_masks(level, processor, settings)
            missing = ~ended & ~has(entry, PRESENT)
            bad = ~ended & ~missing & numpy.where(maps, has(entry, mapping), has(entry, naming))
            self.not_present |= missing
            self.reserved |= bad
            used = ~ended & ~missing & ~bad
            if level == 3:
                high = always_reserved(processor, settings)
                self.gigabyte_seen = ~ended & ~missing & maps & ~has(entry, high)
            self.reached[level], self.leaf[level] = used, used & maps
            self.writable &= ~used | has(entry, WRITABLE)
            self.user &= ~used | has(entry, USER)
            self.no_execute |= used & has(entry, NO_EXECUTE)
            self.leaf_entry = numpy.where(used & maps, entry, self.leaf_entry)
            ended |= missing | bad | maps
        self.complete = ~self.not_present & ~self.reserved


def has(entry, mask):
    """Answer, entry by entry, whether any bit of a mask is set."""
    return (entry & numpy.uint64(mask)) != 0


def key_refuses(walk, settings, access, processor):
    """Answer where the protection key denies a data access: by PKRU to a user-mode address, and by IA32_PKRS one of a
    supervisor to a supervisor-mode address. (Users are denied those in any case, and not for their keys.)"""
    refused = numpy.zeros(walk.user.shape, bool)
    if access.kind == EXECUTE:
        return refused
    if settings.pke:
        access_disabled, write_refused = denied_by(settings.pkru, walk, settings, access)
        if processor.bochs_pku:
            return (access_disabled & access.user) | write_refused
        refused |= walk.user & (access_disabled | write_refused)
    if settings.pks and not access.user:
        access_disabled, write_refused = denied_by(settings.pkrs, walk, settings, access)
        refused |= ~walk.user & (access_disabled | write_refused)
    return refused


def denied_by(register, walk, settings, access):
    """Answer what the two bits of each leaf's key deny: (any data access, this access because it writes)."""
    key = (walk.leaf_entry >> numpy.uint64(KEY_SHIFT)) & numpy.uint64(15)
    rights = (numpy.uint64(register) >> (key * numpy.uint64(2))) & numpy.uint64(3)
    access_disabled, write_disabled = (rights & numpy.uint64(1)) != 0, (rights & numpy.uint64(2)) != 0
    return access_disabled, write_disabled & (access.kind == WRITE and (access.user or settings.wp))


def rights_refuse(walk, settings, access):
    """Answer where R/W, U/S, NX, SMEP or SMAP deny the access; the walk is taken to be complete."""
    refused = numpy.zeros(walk.user.shape, bool)
    if access.user:
        refused |= ~walk.user
    if access.kind == WRITE and (access.user or settings.wp):
        refused |= ~walk.writable
    if access.kind == EXECUTE and settings.nxe:
        refused |= walk.no_execute
    if access.kind == EXECUTE and settings.smep and not access.user:
        refused |= walk.user
    if access.kind != EXECUTE and settings.smap and not access.ac and not access.user:
        refused |= walk.user
    return refused


def access_once(walk, processor, settings, access):
    """Return (word without ACCESSED and DIRTY, {level: where ACCESSED gets set}, {level: where DIRTY does}).

    One access without a past: ACCESSED and DIRTY of the entries themselves don't matter to it.
    """
    refused_by_key = walk.complete & key_refuses(walk, settings, access, processor)
    refused = walk.complete & rights_refuse(walk, settings, access)
    fault = ~walk.complete | refused | refused_by_key
    code = CODE_W if access.kind == WRITE else 0
    code |= CODE_U if access.user else 0
    code |= CODE_FETCH if access.kind == EXECUTE and (settings.nxe or settings.smep) else 0
    reserved_code = CODE_RSVD | (0 if processor.tcg_rsvd_without_p else CODE_P)
    word = numpy.where(fault, FAULT | code, 0)
    word |= numpy.where(walk.reserved, reserved_code, 0)
    word |= numpy.where(refused | refused_by_key, CODE_P, 0) | numpy.where(refused_by_key, CODE_KEY, 0)
    used, written = {}, {}
    for level in LEVELS:
        upper = walk.reached[level] & ~walk.leaf[level]
        used[level] = (walk.reached[level] & ~fault) | (upper & fault & processor.upper_accessed_on_fault)
        written[level] = walk.leaf[level] & ~fault & (access.kind == WRITE)
    if processor.tcg_gigabyte_leaf_accessed:
        used[3] = used[3] | walk.gigabyte_seen
    return word.astype(numpy.uint16), used, written


def outcomes(entries, processor, settings, accesses):
    """Return the words that some accesses end with: an array [state, access], for {level: array of raw entries}."""
    walk = Walk(entries, processor, settings)
    clear = {level: (~has(entries[level], ACCESSED), ~has(entries[level], DIRTY)) for level in LEVELS}
    words = numpy.empty((entries[LEVELS[0]].size, len(accesses)), numpy.uint16)
    for position, access in enumerate(accesses):
        word, used, written = access_once(walk, processor, settings, access)
        if access.primed:
            _, used_before, _ = access_once(walk, processor, settings, Access(READ, ac=access.ac))
            used = {level: used[level] | used_before[level] for level in LEVELS}
        for level in LEVELS:
            word |= (used[level] & clear[level][0]).astype(numpy.uint16) << numpy.uint16(ACCESSED_SHIFT + level - 1)
            if level <= LARGEST_PAGE_LEVEL:
                word |= (written[level] & clear[level][1]).astype(numpy.uint16) << numpy.uint16(DIRTY_SHIFT + level - 1)
        words[:, position] = word
    return words
