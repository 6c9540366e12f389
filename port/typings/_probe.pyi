"""Accesses whose outcome is recorded instead of taken. Used by faults.probe only.

sequence() and run() turn interrupts off and the processor's exceptions to stubs of their own while they work; an
exception
that is not the awaited one is a panic. NMI, double fault and machine check keep their handlers.
"""

def sequence(steps: list[tuple[int, ...]]) -> list[tuple[bool, int, int, int, int]]:
    """Do up to 64 steps on the live tables; return (success, vector, error code, CR2, RAX) of each access among them.

    Steps: (0, access, address, value), (1, table's page number, index, frame number, flag word), (2, page number):
    invlpg, (3,): load CR3 again, (4,): toggle CR4.PGE, (5, on): set CR0.WP. An access is kind (0 read, 1 write,
    2 execute; 8 bytes) | 4 for ring 3. A write stores `value`. Success of an execution is `b8 imm32 cc` at the address.

    Ring 3's code takes a free level-4 slot of the lower half for as long as the sequence lasts. CR0.WP is as before
    afterwards; entries stay as the steps left them. ValueError before anything is done.
    """

def run(block: bytes, first_state: int, results: bytearray) -> int:
    """Perform cases on a root of the probe's own; fill results with one 16-bit word per access; return the states done.

    The block is described beside block_t in port/modules/_probe.c and packed by faults.probe.block. Before each case
    the entries are written anew and the page is invalidated. A word: bits 0-5 error code (P W U RSVD I/D PK), 6 page
    fault, 7 anything that is neither a success nor a page fault as it has to be, 8-11 ACCESSED newly set at levels 1-4,
    12-14 DIRTY newly set at levels 1-3. All control registers, EFER and CR3 are as before afterwards.

    ValueError for a malformed block, NotImplementedError for settings that this CPU lacks; nothing has been done then.
    """

def last() -> tuple[int, int, int, int, int]:
    """Return (vector, error code, CR2, RAX, RIP) of the access that was performed last."""

def call(address: int) -> None:
    """Call an address as a C function without arguments, in ring 0: exceptions are raised as everywhere."""
