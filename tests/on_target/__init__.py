"""What the tests run on the target: every file here is MicroPython's, and none is pytest's.

memory/, paging/, attacks/   sent to a kernel by the tests of these rooms; prelude.py comes first
language/      programs that print the same here and there
unix_port/     on the path of MicroPython on this machine (harness/unix_port.py), for pure logic
micropython/   sent before those of MicroPython's own tests that need more than the kernel has
playground.py     a piece of address space with tables made by hand, as text with this side's constants
interrupted.py    interrupted(act, seen): Ctrl-C at every check of a call
stubs/            values of the classes that users meet, and what kind of thing each attribute is
large_tlb.py      grow_tlb(): then what the TLB knows of some pages stays there
"""

from pathlib import Path

HERE = Path(__file__).resolve().parent


def source(name):
    """Return the text of a file of this folder, named without its ending: source("paging/prelude")."""
    return (HERE / f"{name}.py").read_text()
