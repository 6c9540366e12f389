"""The other processors come: who there is by the MADT, and how each is brought from the firmware's hands to its first
sleep.

A processor that is told to start begins in real mode, at the first byte of a page below 1 MiB. That page is an ordinary
frame, mapped where it lies in an ordinary PageTable, as long as it takes. What was in the frame is put back.

ACPI Specification, "Multiple APIC Description Table (MADT)"; SDM volume 3, "MP Initialization Protocol Algorithm".
"""

import struct
import time

import memory
from devices.acpi import find_table
from memory_structs import PAGE_SHIFT
from paging.guard import Guard, opens_guard
from paging.protection import address_in_window

from .natives import cpu, processors
from .natives import memory as native_memory
from .parking import frames_needed, make_root

SIGNATURE, ENTRIES_AT = b"APIC", 44
LOCAL_APIC, ENABLED = 0, 1  # a kind of entry; a flag of it
ENTRY = "<BBBBI"  # kind, length, ACPI's number, APIC id, flags
FIRST_PAGE, LAST_PAGE, PAGES_BELOW_4_GIB = 1, 0x9F, 1 << 20
INIT, STARTUP = 0x4500, 0x4600  # interrupt commands; the second goes with a page number
AFTER_INIT_MS, RESEND_MS, LIMIT_MS = 10, 10, 10_000
# What has to be alike on all processors: page attributes, memory types (SDM, "MTRRs in MP Systems").
PAT, MTRR_CAPABILITIES, MTRR_DEFAULT, MTRR_FIRST = 0x277, 0xFE, 0x2FF, 0x200
MTRR_FIXED = (0x250, 0x258, 0x259, 0x268, 0x269, 0x26A, 0x26B, 0x26C, 0x26D, 0x26E, 0x26F)
HAS_MTRRS, HAS_PAT, HAS_FIXED = 1 << 12, 1 << 16, 1 << 8

write_bytes = opens_guard(native_memory.write_bytes)
# The frames of the processors' blocks, as long as this Python lives; from the next one on they are the boot's.
_blocks = []


class NoTrampoline(memory.KernelError):
    """No frame below 1 MiB is free, so no other processor can be started."""

    def __init__(self):
        super().__init__("no frame below 1 MiB is free: other processors begin in one")


def apic_ids():
    """The APIC ids of all processors that the MADT calls enabled, the one that runs Python first; more than can be used
    are left out. Raises DamagedTable."""
    own = processors.own_apic_id()
    table = find_table(SIGNATURE) or b""
    found, at = [own], ENTRIES_AT
    while at + 2 <= len(table) and table[at + 1] >= 2:
        if table[at] == LOCAL_APIC and at + struct.calcsize(ENTRY) <= len(table):
            _, _, _, apic_id, flags = struct.unpack_from(ENTRY, table, at)
            if flags & ENABLED and apic_id not in found:
                found.append(apic_id)
        at += table[at + 1]
    return found[: processors.PROCESSORS_MAX]


def settings():
    """The (register, value) pairs that the others take over, in this order: MTRRs are off while they change."""
    features = cpu.cpuid(1)[3]
    numbers = []
    if features & HAS_MTRRS:
        capabilities = cpu.read_msr(MTRR_CAPABILITIES)
        numbers += MTRR_FIXED if capabilities & HAS_FIXED else ()
        numbers += range(MTRR_FIRST, MTRR_FIRST + 2 * (capabilities & 0xFF))
        numbers.append(MTRR_DEFAULT)
    if features & HAS_PAT:
        numbers.append(PAT)
    pairs = [(number, cpu.read_msr(number)) for number in numbers]
    return ([(MTRR_DEFAULT, 0)] if features & HAS_MTRRS else []) + pairs


def start():
    """Bring all the others to their first sleep, unless that was done since power-on. Returns all APIC ids.

    Who does not come within ten seconds is sent back (INIT), and stays away. Raises NoTrampoline, OutOfFrames,
    DamagedTable; then none was started.
    """
    ids = apic_ids()
    if len(ids) > 1 and not processors.came():
        _prepare(ids)
        saved, page, frame, table = _trampoline()
        try:
            _wake(ids[1:], frame)
        finally:
            _put_back(saved, page, frame, table)
    return ids


def _prepare(ids):
    """Frames for their blocks, and for the tables that they are parked on, and what they look at on their way. Raises
    OutOfFrames."""
    blocks, tables = (len(ids) - 1) * processors.BLOCK_FRAMES, frames_needed()
    if Guard.blocks is not None:
        first, root = Guard.blocks, _keep(tables)
    elif Guard.is_on:
        raise memory.OutOfFrames(blocks, "processors, outside of the guard", 0)
    else:
        first = _keep(blocks + tables)
        root = first + blocks
    numbers = bytearray(256)
    for number, apic_id in enumerate(ids):
        numbers[apic_id] = number
    make_root(root, tables, first, blocks)
    processors.prepare(first, numbers, b"".join([struct.pack("<QQ", *pair) for pair in settings()]), root)


def _keep(count):
    """The first of so many frames that are taken until power-off. Raises OutOfFrames."""
    frames = memory.allocate_frames(count)
    first = frames.start.number
    if not processors.keep_frames(first, count):
        frames.drop()
        raise memory.OutOfFrames(count, "processors, for ever", 0)
    _blocks.append(frames)
    return first


def _trampoline():
    """A frame with the trampoline, mapped where it lies: (what was in it, the mapping, frame number, the PageTable)."""
    frames = None
    for number in range(FIRST_PAGE, LAST_PAGE + 1):
        try:
            frames = memory.allocate_frames_at(memory.PhysicalAddress(number << PAGE_SHIFT), 1)
            break
        except memory.KernelError:
            pass
    if frames is None:
        raise NoTrampoline()
    saved = native_memory.read_bytes(address_in_window(number), 1 << PAGE_SHIFT)
    table = memory.PageTable.new_table(memory.PageTable.from_current())
    pages = memory.allocate_pages_at(memory.VirtualAddress(number << PAGE_SHIFT), 1)
    mapped = table.map_allocated_pages_to(pages, frames, memory.PteFlags())
    root = table.physical_address.value >> PAGE_SHIFT
    if root >= PAGES_BELOW_4_GIB:
        mapped.drop()
        table.drop()
        raise NoTrampoline()
    processors.place_trampoline(number, root)
    try:
        mapped.remap(memory.PteFlags().executable(True))
    except BaseException:
        _put_back(saved, mapped, number, table)
        raise
    return saved, mapped, number, table


def _put_back(saved, mapped, frame, table):
    """What was in the trampoline's frame; then all is given back."""
    pages, frames = mapped.unmap_into_parts(keep_contents=True)
    write_bytes(address_in_window(frame), saved)
    for owner in frames if isinstance(frames, (list, tuple)) else (frames,):
        owner.drop()
    pages.drop()
    table.drop()


def _wake(ids, page):
    """INIT and SIPI for each, until all have come, or the time is over."""
    everybody = (1 << len(ids) + 1) - 2
    for apic_id in ids:
        processors.send(apic_id, INIT)
    time.sleep_ms(AFTER_INIT_MS)
    for _ in range(LIMIT_MS // RESEND_MS):
        for number, apic_id in enumerate(ids):
            if not processors.came() >> number + 1 & 1:
                processors.send(apic_id, STARTUP | page)
        for _ in range(RESEND_MS * 10):
            if processors.came() == everybody:
                return
            time.sleep_us(100)
    for number, apic_id in enumerate(ids):
        if not processors.came() >> number + 1 & 1:
            processors.send(apic_id, INIT)
