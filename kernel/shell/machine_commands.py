"""Commands about the machine: registers, RAM as the loader described it, memory as numbers."""

from diagnostics.boot_report import Modules, Ram
from diagnostics.memory_access import WIDTHS, HexDump, Stored, Words, width_for
from diagnostics.processor import ControlRegisters, Leaf, Processor

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import ADDRESS, COUNT, NUMBER, SIZE, NumberKind
from shell.later import later

FaultLog = later("diagnostics.fault_log", "FaultLog")
Heap = later("diagnostics.python_heap", "Heap")
InterruptTable = later("diagnostics.descriptors", "InterruptTable")
known_registers = later("diagnostics.descriptors", "known_registers")
register = later("diagnostics.descriptors", "register")
WIDTH = NumberKind("WIDTH", WIDTHS[0], WIDTHS[-1])
LEAF = NumberKind("LEAF", 0, 0xFFFFFFFF, in_hexadecimal=True)


@command("ram", "RAM as the loader described it.")
def ram():
    return Ram()


@command("modules", "The files that were handed over at power-on: boot modules, QEMU's.")
def modules():
    return Modules()


@command("cr", "The control registers, EFER and RFLAGS, decoded.")
def cr():
    return ControlRegisters()


@command(
    "cpuid",
    "Who made the processor and what it can, or one raw CPUID leaf.",
    Argument("leaf", LEAF, None),
    Argument("subleaf", LEAF, 0),
    details=("cpuid              what matters for paging", "cpuid 0x80000008   one leaf, raw"),
)
def cpuid(leaf, subleaf):
    return Processor() if leaf is None else Leaf(leaf, subleaf)


@command(
    "peek",
    "Read memory: COUNT words of WIDTH bits (8, 16, 32, 64).",
    Argument("address", ADDRESS),
    Argument("count", COUNT, 1),
    Argument("width", WIDTH, 64),
    details=("peek 0xffff800000000000 4", "peek p0xb8000 80 16     physical addresses go through the window"),
)
def peek(address, count, width):
    return Words(address.value, count, known_width(width))


@command(
    "poke",
    "Write one word of WIDTH bits (8, 16, 32, 64) to memory.",
    Argument("address", ADDRESS),
    Argument("value", NUMBER),
    Argument("width", WIDTH, 64),
    details=("poke p0xb8000 0x2f41 16",),
)
def poke(address, value, width):
    if value >> known_width(width):
        raise UsageError("0x%x does not fit %d bits" % (value, width))
    return Stored(address.value, value, width)


def known_width(width):
    """Return the width if one instruction can have it. Raises UsageError."""
    if width not in WIDTHS:
        raise UsageError("width is %s: it must be 8, 16, 32 or 64" % width)
    return width


@command(
    "hexdump",
    "Read memory as bytes and letters.",
    Argument("address", ADDRESS),
    Argument("length", SIZE, 128),
    Argument("width", WIDTH, None),
    details=(
        "hexdump p0x0 256",
        "hexdump 0xffffffff80109000 4K",
        "hexdump p0xfed00000 64 64    by loads of 64 bits; of a device, without a WIDTH, by those of 32",
    ),
)
def hexdump(address, length, width):
    width = width_for(address.value, length) if width is None else known_width(width)
    if width is not None and (address.value | length) % (width // 8):
        raise UsageError("words of %d bits, as devices want: give address and length in multiples of them" % width)
    return HexDump(address.value, length, width)


@command(
    "msr",
    "Model-specific registers: those that matter here, or one by number.",
    Argument("number", LEAF, None),
)
def msr(number):
    return known_registers() if number is None else register(number)


@command("idt", "The interrupt descriptor table: what happens at each vector.")
def idt():
    return InterruptTable()


@command("faultlog", "The last faults: what was refused where, and who answered.")
def faultlog():
    return FaultLog()


@command("heap", "How full Python's heap and stacks are.")
def heap():
    return Heap()
