"""Acts of the processor, one function each. Imported by one module of the kernel.

A value that this CPU does not define raises ValueError before it reaches the register: QEMU's TCG hangs for ever on
some of them instead of faulting. Whatever raises has changed nothing. Numbers are exact ints; True is refused with
TypeError, what does not fit 64 bits with OverflowError.
"""

def read_cr0() -> int: ...
def read_cr2() -> int:
    """Return the address of the last page fault that the processor took, exceptions since handled included."""

def read_cr3() -> int:
    """Return the physical address of the root table with CR3's low flags (bit 3 write-through, bit 4 cache-disable)."""

def read_cr4() -> int: ...
def write_cr0(value: int) -> None:
    """Write CR0. PE and PG must stay on, NW needs CD; else ValueError."""

def write_cr3(value: int) -> None:
    """Write CR3 and so flush everything that is not global. ValueError for bits this CPU does not have.

    The table at the address must map the running kernel: nothing can check that.
    """

def write_cr4(value: int) -> None:
    """Write CR4. Only bits that CPUID announces; PAE must stay on and LA57 as it is; else ValueError."""

def read_root_frame() -> int:
    """Return the number of the root table's frame. Allocates nothing."""

def write_root_frame(frame: int) -> None:
    """Make another table the root, by frame number; CR3's low flags are kept. Allocates nothing.

    ValueError for a frame beyond the CPU's physical addresses.
    """

def invlpg(page: int) -> None:
    """Invalidate what the TLB holds for one page, by its number (address >> 12, 52 bits). Allocates nothing.

    ValueError for a number that is no canonical page.
    """

def invalidate(page: int, count: int, step: int) -> int:
    """Invalidate `count` pages from the page of that number on, one in `step`; returns how many INVLPG that were.

    ValueError for numbers that do not fit 52 bits; a step of 0 invalidates nothing. Allocates nothing.
    """

def flush() -> None:
    """Write CR3 with its own value: every translation that is not global goes. Allocates nothing."""

def flush_global() -> None:
    """Switch CR4.PGE off and on again: every translation goes, global ones too. Allocates nothing."""

def cpuid(leaf: int, subleaf: int = 0) -> tuple[int, int, int, int]:
    """Return EAX, EBX, ECX, EDX. A leaf that the CPU lacks answers as the CPU likes."""

def read_msr(msr: int) -> int:
    """Return a model-specific register. GeneralProtectionFault for one that the CPU lacks (QEMU answers 0 instead)."""

def write_msr(msr: int, value: int) -> None:
    """Write a model-specific register. GeneralProtectionFault for one that the CPU lacks or a value it refuses."""

def read_flags() -> int:
    """Return RFLAGS."""

def open_user_pages(on: bool) -> bool:
    """Set EFLAGS.AC, so that CR4.SMAP keeps nobody off user pages, or clear it; return whether it was set.

    A fault clears it. Nothing changes on a CPU without SMAP. Allocates nothing.
    """

def read_idt() -> tuple[int, int]:
    """Return the interrupt descriptor table's address and its limit, the offset of its last byte."""

def port_read(port: int, bits: int) -> int:
    """Read an I/O port (0 to 0xffff) of 8, 16 or 32 bits; else ValueError."""

def port_write(port: int, bits: int, value: int) -> None:
    """Write an I/O port (0 to 0xffff) of 8, 16 or 32 bits; ValueError if the value does not fit them."""

def physical_bits() -> int:
    """Return MAXPHYADDR: how many bits a physical address has on this CPU, at most 52."""

def paging_levels() -> int:
    """Return how many levels of tables an address passes, as read from CR4.LA57 at power-on: it never changes."""

def interrupts(enable: bool) -> bool:
    """Let the processor take interrupts or not; return what was so before. A fault while they are off is a panic."""

def exit(value: int) -> None:
    """End the machine: QEMU's own status becomes 2 * value + 1 (0x10 gives 33, success). Does not return.

    ValueError if the value is not below 128. A machine without the exit port halts for ever.
    """
