"""Wrong: it asks the kernel, which walks other tables.

Caught by reads_what_the_processor_reads.
"""

from memory import VirtualAddress, get_kernel_mmi_ref


def translate(read, root, address):
    """Return the physical address that a virtual one leads to, or None if it leads nowhere."""
    found = get_kernel_mmi_ref().page_table.translate_addr(VirtualAddress(address))
    return None if found is None else found.value
