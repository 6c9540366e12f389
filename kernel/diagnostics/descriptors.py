"""The interrupt descriptor table, and model-specific registers. SDM volume 3, "Interrupt and Exception Handling"."""

from devices.interrupts import FIRST as FIRST_OF_DEVICES
from devices.interrupts import has_handler
from faults.natives import traps
from paging.natives import cpu

from diagnostics.memory_access import LOADS
from diagnostics.processor import EFER, EFER_BITS, names_of_bits
from diagnostics.text import WIDTH, View, columns, hexadecimal

BYTES_IN_A_GATE = 16
GATE_KINDS = {14: "interrupt", 15: "trap"}
VECTORS = ("divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound range", "invalid opcode")
VECTORS += ("device not available", "double fault", "", "invalid TSS", "segment not present", "stack fault")
VECTORS += ("general protection", "page fault", "", "x87 error", "alignment check", "machine check", "SIMD error")
VECTORS += ("virtualization", "control protection")
# SDM volume 4 names; what matters here.
MSRS = (
    ("apic_base", 0x1B),
    ("pat", 0x277),
    ("efer", EFER),
    ("star", 0xC0000081),
    ("lstar", 0xC0000082),
    ("fs_base", 0xC0000100),
    ("gs_base", 0xC0000101),
)


class Gate:
    """One entry of the table: what the processor does at a vector."""

    def __init__(self, vector, low, high):
        self.vector = vector
        self.handler = low & 0xFFFF | (low >> 48) << 16 | (high & 0xFFFFFFFF) << 32
        self.selector = low >> 16 & 0xFFFF
        self.stack = low >> 32 & 7
        self.kind = low >> 40 & 15
        self.ring = low >> 45 & 3
        self.is_present = bool(low >> 47 & 1)


class InterruptTable(View):
    """The gates that are present. `.gates` are Gate objects."""

    def __init__(self):
        self.base, self.limit = cpu.read_idt()
        load = LOADS[64]
        count = (self.limit + 1) // BYTES_IN_A_GATE
        places = [self.base + vector * BYTES_IN_A_GATE for vector in range(count)]
        gates = [Gate(vector, load(at), load(at + 8)) for vector, at in enumerate(places)]
        self.gates = [gate for gate in gates if gate.is_present]

    def lines(self, width=WIDTH):
        yield "at v%s, %d of %d gates present" % (hexadecimal(self.base), len(self.gates), (self.limit + 1) // 16)
        rows = [("vector", "handler", "kind", "ring", "stack", "")]
        yield from columns(rows + [self._row(gate) for gate in self.gates], (0, 3), width)

    @staticmethod
    def _row(gate):
        name = VECTORS[gate.vector] if gate.vector < len(VECTORS) else ""
        if gate.vector >= traps.FIRST_INTERRUPT:
            name = "interrupt line %d" % (gate.vector - traps.FIRST_INTERRUPT)
        if gate.vector >= FIRST_OF_DEVICES:
            name = "device, with a handler" if has_handler(gate.vector) else "device"
        stack = "own, %d" % gate.stack if gate.stack else "same"
        handler = "v" + hexadecimal(gate.handler)
        return (str(gate.vector), handler, GATE_KINDS.get(gate.kind, "?"), str(gate.ring), stack, name)


class Msr(View):
    """Model-specific registers. `.values` are (name, number, value)."""

    def __init__(self, numbers):
        self.values = [(name, number, cpu.read_msr(number)) for name, number in numbers]

    def lines(self, width=WIDTH):
        rows = []
        for name, number, value in self.values:
            bits = " ".join(names_of_bits(value, EFER_BITS)) if number == EFER else ""
            rows.append((name, hexadecimal(number), hexadecimal(value, 16), bits))
        return columns(rows, (), width)


def known_registers():
    """Return the registers that have names."""
    return Msr(MSRS)


def register(number):
    """Return one register by its number. GeneralProtectionFault if the CPU lacks it."""
    names = {known: name for name, known in MSRS}
    return Msr(((names.get(number, ""), number),))
