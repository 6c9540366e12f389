"""Which entry refused an access, and why: read from the entries as they were at the fault."""

PRESENT, WRITABLE, USER, HUGE_PAGE = 1 << 0, 1 << 1, 1 << 2, 1 << 7
NO_EXECUTE = 1 << 23
KEY_SHIFT = 19

NOT_PRESENT = "not present"
RESERVED_BIT = "reserved bit set"
READ_ONLY = "read-only"
NOT_EXECUTABLE = "no-execute"
SUPERVISOR_ONLY = "not for ring 3"
USER_PAGE = "a user's page, which the kernel keeps off (%s)"
USER_CODE, USER_DATA = USER_PAGE % "SMEP", USER_PAGE % "SMAP"
KEY = "protection key"
NO_TABLE = "names a table where there is no RAM"


def refusal_of(entries, code):
    """Return (level, reason) for a page fault's entries and error code; (0, ...) when no single entry refused."""
    last_level, _, _, word = entries[-1]
    if not word & PRESENT:
        return last_level, NOT_PRESENT
    if code & 8:
        return last_level, RESERVED_BIT
    if last_level > 1 and not word & HUGE_PAGE:
        return last_level, NO_TABLE
    if code & 32:
        return last_level, refusal_of_key(entries, word >> KEY_SHIFT & 15, code)
    return missing_right(entries, code)


def refusal_of_key(entries, key, code):
    """What the register of a key forbids: which it is, the page's U/S bits say."""
    register = "PKRU" if is_for_users(entries) else "IA32_PKRS"
    return "%s %d: %s forbids %s" % (KEY, key, register, "writes" if code & 2 else "reads")


def is_for_users(entries):
    """Answer whether all entries have the bit that lets users in."""
    return all([word & USER for _, _, _, word in entries])


def missing_right(entries, code):
    """The same for a walk that came to its page."""
    for bit, wanted, concerned, reason in (
        (USER, USER, code & 4, SUPERVISOR_ONLY),
        (NO_EXECUTE, 0, code & 16, NOT_EXECUTABLE),
        (WRITABLE, WRITABLE, code & 2, READ_ONLY),
    ):
        for level, _, _, word in entries:
            if concerned and word & bit != wanted:
                return level, reason
    if is_for_users(entries) and not code & 4:
        return 0, USER_CODE if code & 16 else USER_DATA
    return 0, "allowed by now: the entries were changed without a flush, or by the access itself"
