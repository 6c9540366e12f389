"""After a test: nothing in the live tables of its machine may be writable and executable, over all aliases.

A test that makes such a thing on purpose says so: `@pytest.mark.writable_executable("why")`.
"""

from oracle.aliases import writable_and_executable
from oracle.page_walk import ADDRESS_MASK

PAGING = 1 << 31  # of CR0
LA57 = 1 << 12  # of CR4
RECURSIVE_SLOT = 510
MARK = "writable_executable"


def check_aliases(guest, node):
    """Walk the tables of every processor of a machine; AssertionError with the RAM that can be written and executed.

    A machine that has ended, or that does not run on a table of the kernel's own yet, has nothing to be asked.
    """
    is_over = guest.failure or guest.expected_to_end or not guest.is_alive()
    if is_over or node.get_closest_marker(MARK) or not hasattr(guest, "monitor"):
        return
    found = [guest.monitor.registers(cpu) for cpu in range(guest.settings.processors)]
    roots = [registers["CR3"] & ADDRESS_MASK for registers in found if registers["CR0"] & PAGING]
    if roots and guest.memory.is_ram(roots[0], 4096) and is_of_python(guest.memory, roots[0]):
        levels = 5 if found[0]["CR4"] & LA57 else 4
        both = writable_and_executable(roots, guest.memory, levels)
        text = ", ".join(f"p{first:#x} to p{end - 1:#x}" for first, end in both[:8])
        assert not both, f"{len(both)} runs of RAM are writable and executable over all aliases: {text}"


def is_of_python(memory, root):
    """Answer whether a root is one that Python made: the boot's own has no recursive entry."""
    return memory.read_entry(root + 8 * RECURSIVE_SLOT) & ADDRESS_MASK == root
