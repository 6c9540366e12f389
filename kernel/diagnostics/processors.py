"""The processors of the machine, as the prompt shows them."""

from paging.natives import cpu
from processors.one import all_processors

from diagnostics.text import Table, hexadecimal

PAGE_SHIFT = 12
HEAD = ("CPU", "APIC", "does", "on root", "jobs", "faults", "shootdowns")


def processors_table():
    """Return a Table of all CPUs: who each is, what it does, on which root, and what it has done since power-on.

    The others are started, if they were not. Raises what that raises.
    """
    others = all_processors()
    own = "p" + hexadecimal(cpu.read_root_frame() << PAGE_SHIFT)
    rows = [HEAD, ("0", hexadecimal(_own_apic_id()), "runs Python", own, "", "", "")]
    for each in others:
        root = "p" + hexadecimal(each.root << PAGE_SHIFT) if each.root else "of the boot"
        counts = [str(count) for count in each.counts]
        rows.append((str(each.number), hexadecimal(each.apic_id), each.state, root) + tuple(counts))
    return Table(rows, (0, 1, 4, 5, 6))


def _own_apic_id():
    return cpu.cpuid(1)[1] >> 24
