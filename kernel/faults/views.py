"""What a fault says of itself: typed attributes and one line, both made from the raw record when somebody asks."""

from memory_structs.mode import LARGEST_PAGE_LEVEL, PAGES_PER_ROOT_ENTRY
from memory_structs.spaces import VIRTUAL
from paging.numbers import page_of, virtual_address_of
from paging.translation import Walk, WalkEntry

from .error_code import FETCH, USER, WRITE, code_of
from .instructions import operand_addresses
from .mappings import executed_at, mapping_of, stack_above
from .natives import boot, traps
from .places import place_of
from .reasons import (
    KEY,
    NO_TABLE,
    NOT_EXECUTABLE,
    NOT_PRESENT,
    READ_ONLY,
    RESERVED_BIT,
    USER_DATA,
    missing_right,
    refusal_of,
)

PAGE_FAULT, GENERAL_PROTECTION, ALIGNMENT = 14, 13, 17
HUGE_PAGE, PAT = 1 << 7, 1 << 24
KEY_SHIFT = 19
LAYOUT = boot.layout()
WINDOW_PAGE = LAYOUT["WINDOW_PAGE"]
WINDOW_PAGES = LAYOUT["WINDOW_ROOT_ENTRIES"] * PAGES_PER_ROOT_ENTRY

# Known since boot: each question would make a list.
SECTIONS = boot.sections()
GUARD_PAGES = boot.guard_pages()
IMAGE_PAGE = min([first for _, first, _, _, _ in SECTIONS] + GUARD_PAGES)

WINDOW_PAGE = LAYOUT["WINDOW_PAGE"]
WINDOW_END = WINDOW_PAGE + LAYOUT["WINDOW_ROOT_ENTRIES"] * PAGES_PER_ROOT_ENTRY

# The end of what was refused, by the level of the entry that refused.
WHERE = ("; ", " at P1; ", " at P2; ", " at P3; ", " at P4; ", " at P5; ")


def address(record):
    """Where: a VirtualAddress for a page fault; the non-canonical number (an int) where one is to blame; else None."""
    if record.vector == PAGE_FAULT:
        return virtual_address_of(record.address)
    if record.vector == GENERAL_PROTECTION:
        return bad_operand(record)
    return None


def bad_operand(record):
    """The non-canonical address that the faulting instruction names, or None."""
    for value in operand_addresses(record.code, record.registers, record.instruction_pointer):
        if not VIRTUAL.has_number(value >> 12):
            return value
    return None


def error_code(record):
    """A PageFaultErrorCode, or the plain number of another exception."""
    return code_of(record.error_code) if record.vector == PAGE_FAULT else record.error_code


def instruction_pointer(record):
    """Where the instruction was."""
    return virtual_address_of(record.instruction_pointer)


def page(record):
    """The 4 KiB Page of the address of a page fault."""
    return page_of(record.page)


def walk(record):
    """The entries that the CPU went through, as they were at the fault: a Walk."""
    entries = []
    table = record.root_frame
    for level, index, frame, word in record.entries:
        is_last = (level, index, frame, word) == record.entries[-1]
        if level == 1 and word & HUGE_PAGE:
            word = word & ~HUGE_PAGE | PAT
        elif 1 < level <= LARGEST_PAGE_LEVEL and word & HUGE_PAGE and frame & 1:
            word |= PAT
        entries.append(WalkEntry(level, table, index, frame, word, is_last and record.error_code & 8 != 0))
        table = frame
    return Walk(address(record), entries)


def describe(record):
    """One line: what was refused where and why, and what to do."""
    if record.vector == PAGE_FAULT:
        return describe_page_fault(record)
    at = "at %s" % virtual_address_of(record.instruction_pointer)
    place = place_of(record)
    if place is not None:
        at += " in %r" % place
    if record.vector == GENERAL_PROTECTION:
        bad = bad_operand(record)
        if bad is not None:
            hint = "the nearest address there is: %s" % VIRTUAL.text_of(VIRTUAL.nearest_address(bad))
            return "access to 0x%x %s: not a canonical address; %s" % (bad, at, hint)
        return "general protection fault %s, error code %#x: no privilege, a bad selector or a bad value" % (
            at,
            record.error_code,
        )
    if record.vector == 0:
        return "divide error %s: by zero, or the quotient does not fit; check the divisor first" % at
    if record.vector == 6:
        return "invalid opcode %s: these bytes are no instruction of this CPU" % at
    return "%s %s, error code %#x" % (record.name, at, record.error_code)


def describe_page_fault(record):
    """The line for a page fault."""
    code = record.error_code
    page = record.page
    level, reason = refusal_of(record.entries, code)
    # Out of numbers: a typed address and error code, for one line, would double what it costs.
    parts = [
        "execute at v" if code & FETCH else "write to v" if code & WRITE else "read of v",
        hex(record.address),
        " by ring 3: " if code & USER else ": ",
        reason,
        WHERE[level],
    ]
    place = place_of(record)
    if place is not None:
        parts += "by ", repr(place), "; "
    parts += stack_overflow(record, page) or advice(record, page, reason)
    return "".join(parts)


def stack_overflow(record, page):
    """What a guard page says, in parts, or None."""
    if page in GUARD_PAGES:
        return ("stack overflow: this is the guard page of a stack of the kernel's",)
    stack = stack_above(page)
    if stack is not None:
        return "stack overflow: this is the guard page of the Stack on ", repr(stack), ", which stays unmapped"
    return ("stack overflow: the stack pointer came to the guard page",) if record.stack_overflow else None


def advice(record, page, reason):
    """What a person can do about it, in parts."""
    if record.not_resolved:
        return ("the handler said retry, yet the access is still refused: map the page or give the right first",)
    if page == 0 and reason == NOT_PRESENT:
        return ("page 0 is never mapped, so this was a null pointer or an offset from one",)
    if reason.startswith(KEY) and "PKRS" in reason:
        return advice_about_key(record, page)
    if page >= IMAGE_PAGE:
        for name, first, _, count, rights in SECTIONS:
            if first <= page < first + count:
                return "this is the kernel's own ", name, " (", rights, "), which stays as it is"
    if reason == READ_ONLY and WINDOW_PAGE <= page < WINDOW_END:
        where = executed_at(page - WINDOW_PAGE)
        if where is not None:
            return (
                "this is the alias of p%s in the physical window, " % hex(page - WINDOW_PAGE << 12),
                "and the frame is executable at v%s: write before it is, or remap that" % hex(where << 12),
            )
    mapping = mapping_of(record)
    text = ADVICE.get(reason, "look at .walk for the entries")
    return (text,) if mapping is None else (repr(mapping), ": ", text)


def advice_about_key(record, page):
    """What is guarded, and how a user who means it gets in."""
    number = record.entries[-1][3] >> KEY_SHIFT & 15
    how = "`with key(%d).writable():` opens it (from paging.keys import key)" % number
    level, why = missing_right(record.entries, record.error_code)
    if level:
        how += ", but it is %s at P%d, too" % (why, level)
    if WINDOW_PAGE <= page < WINDOW_PAGE + WINDOW_PAGES:
        return "this is the physical window, with page tables and the allocators' records; ", how
    mapping = mapping_of(record)
    return (how,) if mapping is None else (repr(mapping), ": ", how)


ADVICE = {
    USER_DATA: "use a view of the mapping, or `with user_access():` (from paging.user_pages import user_access)",
    NOT_PRESENT: "nothing is mapped there: map it, or answer with on_fault(range, handler)",
    READ_ONLY: "remap it writable, or answer with on_fault (copy on write)",
    NOT_EXECUTABLE: "remap it executable and not writable",
    NO_TABLE: "an entry was overwritten: .walk shows it",
    RESERVED_BIT: "an entry was written with a bit that must be 0: .walk shows it",
}


def level_of_refusal(record):
    """The level of the entry that refused, 0 when no single one did; None for what is no page fault."""
    return refusal_of(record.entries, record.error_code)[0] if record.vector == PAGE_FAULT else None


def reason_of_refusal(record):
    """Why it refused, in words."""
    return refusal_of(record.entries, record.error_code)[1] if record.vector == PAGE_FAULT else record.name


def mapping(record):
    """What the kernel knew, at the fault, of the mapping that the address was in (a FaultMapping), or None."""
    return mapping_of(record)


def install():
    """Give every fault its typed attributes and its line."""
    traps.set_views(
        {
            "address": address,
            "error_code": error_code,
            "instruction_pointer": instruction_pointer,
            "level": level_of_refusal,
            "mapping": mapping,
            "page": page,
            "place": place_of,
            "reason": reason_of_refusal,
            "walk": walk,
        },
        describe,
    )
