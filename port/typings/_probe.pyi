"""Accesses whose outcome is recorded instead of taken. Used by faults.probe only.

sequence() and run() turn interrupts off and the processor's exceptions to stubs of their own while they work; an
exception that is not the awaited one is a panic. NMI, double fault and machine check keep their handlers.
"""

READ: int
WRITE: int
EXECUTE: int
"""Kinds of accesses."""

USER: int  # in ring 3
PRIMED: int  # a supervisor's read first, so that the translation is cached; run() only
ALIGNMENT_CHECK: int  # RFLAGS.AC set, in ring 0
"""What goes with a kind."""

WRITE_PROTECT: int
NO_EXECUTE_ENABLE: int
SMEP: int
SMAP: int
PROTECTION_KEYS: int
BELOW_ROOT: int
SUPERVISOR_KEYS: int
"""Settings of a block."""

STEP_ACCESS: int
STEP_ENTRY: int
STEP_INVALIDATE: int
STEP_FLUSH: int
STEP_FLUSH_GLOBAL: int
STEP_WRITE_PROTECT: int
BLOCK_FORMAT: str
"""Of `struct`: what a block of cases holds, field by field as in block_t (port/faults/probe_cases.h)."""

def sequence(steps: bytearray) -> None:
    """Do up to 64 packed steps on the live tables; each that is an access becomes its outcome.

    A step is five words of 64 bits: STEP_ACCESS, access, address, value; STEP_ENTRY, table's page number, index, frame
    number, flag word; STEP_INVALIDATE, page number: invlpg; STEP_FLUSH: load CR3 again; STEP_FLUSH_GLOBAL: toggle
    CR4.PGE; STEP_WRITE_PROTECT, on: set CR0.WP. An access, of 8 bytes, is a kind | USER for ring 3. A write stores
    `value`. Success of an execution is `b8 imm32 cc` at the address. An outcome: success, vector, error code, CR2, RAX.

    Ring 3's code takes a free level-4 slot of the lower half for as long as the sequence lasts. CR0.WP is as before
    afterwards; entries stay as the steps left them. What the words say has been checked by the caller.
    """

def run(block: bytes, first_state: int, results: bytearray) -> int:
    """Perform cases on a root of the probe's own; fill results with one 16-bit word per access; return the states done.

    The block is packed by faults.probe.block. Before each case the entries are written anew and the page is
    invalidated. A word: bits 0-5 error code (P W U RSVD I/D PK), 6 page fault, 7 anything that is neither a success
    nor a page fault as it has to be, 8-11 ACCESSED newly set at levels 1-4, 12-14 DIRTY newly set at levels 1-3. All
    control registers, EFER and CR3 are as before afterwards.

    Its fields have been checked there. ValueError for a level-4 index that the probe needs itself, NotImplementedError
    for settings that this CPU lacks; nothing has been done then.
    """

def call(address: int) -> None:
    """Call an address as a C function without arguments, in ring 0: exceptions are raised as everywhere."""
