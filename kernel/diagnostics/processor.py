"""The processor's registers and features, by the SDM's names."""

from memory_structs.mode import LEVELS, VIRTUAL_BITS
from paging.natives import cpu

from diagnostics.text import WIDTH, View, columns, hexadecimal

# Intel SDM volume 3, "Control Registers"; volume 4 for EFER.
CR0_BITS = ((0, "PE"), (1, "MP"), (2, "EM"), (3, "TS"), (4, "ET"), (5, "NE"), (16, "WP"), (18, "AM"))
CR0_BITS += ((29, "NW"), (30, "CD"), (31, "PG"))
CR3_BITS = ((3, "PWT"), (4, "PCD"))
CR4_BITS = ((0, "VME"), (1, "PVI"), (2, "TSD"), (3, "DE"), (4, "PSE"), (5, "PAE"), (6, "MCE"), (7, "PGE"), (8, "PCE"))
CR4_BITS += ((9, "OSFXSR"), (10, "OSXMMEXCPT"), (11, "UMIP"), (12, "LA57"), (16, "FSGSBASE"), (17, "PCIDE"))
CR4_BITS += ((18, "OSXSAVE"), (20, "SMEP"), (21, "SMAP"), (22, "PKE"), (23, "CET"), (24, "PKS"))
EFER = 0xC0000080
EFER_BITS = ((0, "SCE"), (8, "LME"), (10, "LMA"), (11, "NXE"))
FLAGS_BITS = ((0, "CF"), (2, "PF"), (4, "AF"), (6, "ZF"), (7, "SF"), (8, "TF"), (9, "IF"), (10, "DF"), (11, "OF"))
FLAGS_BITS += ((18, "AC"), (21, "ID"))

# SDM volume 2, CPUID: leaf, register (0 EAX, 1 EBX, 2 ECX, 3 EDX), bit, name. What paging and its safety care about.
FEATURES = (
    (1, 3, 3, "pse"),
    (1, 3, 6, "pae"),
    (1, 3, 13, "pge"),
    (1, 3, 16, "pat"),
    (1, 2, 17, "pcid"),
    (1, 2, 26, "xsave"),
    (1, 2, 30, "rdrand"),
    (7, 1, 0, "fsgsbase"),
    (7, 1, 7, "smep"),
    (7, 1, 20, "smap"),
    (7, 2, 2, "umip"),
    (7, 2, 3, "pku"),
    (7, 2, 16, "la57"),
    (7, 2, 31, "pks"),
    (0x80000001, 3, 20, "nx"),
    (0x80000001, 3, 26, "pdpe1gb"),
    (0x80000001, 3, 29, "lm"),
)


def names_of_bits(value, bits):
    """Return the names of the bits that are set, lowest first."""
    return [name for bit, name in bits if value >> bit & 1]


class ControlRegisters(View):
    """CR0, CR2, CR3, CR4, EFER and RFLAGS as they were when this was made."""

    def __init__(self):
        self.cr0 = cpu.read_cr0()
        self.cr2 = cpu.read_cr2()
        self.cr3 = cpu.read_cr3()
        self.cr4 = cpu.read_cr4()
        self.efer = cpu.read_msr(EFER)
        self.rflags = cpu.read_flags()

    def lines(self, width=WIDTH):
        rows = (
            ("cr0", self.cr0, names_of_bits(self.cr0, CR0_BITS)),
            ("cr2", self.cr2, ["the address of the last page fault"]),
            (
                "cr3",
                self.cr3,
                ["level-%d table in frame %s" % (LEVELS, hexadecimal(self.cr3 >> 12))]
                + names_of_bits(self.cr3, CR3_BITS),
            ),
            ("cr4", self.cr4, names_of_bits(self.cr4, CR4_BITS)),
            ("efer", self.efer, names_of_bits(self.efer, EFER_BITS)),
            ("rflags", self.rflags, names_of_bits(self.rflags, FLAGS_BITS)),
        )
        cells = [(name, hexadecimal(value, 16), " ".join(words)) for name, value, words in rows]
        return columns(cells, (), width)


class Processor(View):
    """Who made the processor, and what it can."""

    def __init__(self):
        last, b, c, d = cpu.cpuid(0)
        self.vendor = _text((b, d, c))
        self.brand = self._brand()
        self.physical_bits = cpu.physical_bits()
        self.virtual_bits = VIRTUAL_BITS
        self.features = [name for leaf, register, bit, name in FEATURES if self._has(last, leaf, register, bit)]
        self.page_sizes = ["4 KiB", "2 MiB"] + (["1 GiB"] if "pdpe1gb" in self.features else [])

    @staticmethod
    def _has(last, leaf, register, bit):
        return (leaf <= last or leaf >= 0x80000000) and cpu.cpuid(leaf)[register] >> bit & 1

    @staticmethod
    def _brand():
        if cpu.cpuid(0x80000000)[0] < 0x80000004:
            return ""
        return "".join(_text(cpu.cpuid(leaf)) for leaf in (0x80000002, 0x80000003, 0x80000004)).strip()

    def lines(self, width=WIDTH):
        return columns(
            (
                ("vendor", self.vendor),
                ("brand", self.brand),
                ("addresses", "%d physical and %d virtual bits" % (self.physical_bits, self.virtual_bits)),
                ("pages", ", ".join(self.page_sizes)),
                ("features", " ".join(self.features)),
            ),
            (),
            width,
        )


class Leaf(View):
    """What CPUID answers for one leaf and subleaf."""

    def __init__(self, leaf, subleaf):
        self.leaf = leaf
        self.subleaf = subleaf
        self.eax, self.ebx, self.ecx, self.edx = cpu.cpuid(leaf, subleaf)

    def lines(self, width=WIDTH):
        values = (("eax", self.eax), ("ebx", self.ebx), ("ecx", self.ecx), ("edx", self.edx))
        return ["%s  %s" % (name, hexadecimal(value, 8)) for name, value in values]


def _text(registers):
    """Return the ASCII letters in 32-bit registers, without zero bytes."""
    letters = [chr(word >> shift & 0xFF) for word in registers for shift in (0, 8, 16, 24)]
    return "".join(letters).replace("\0", "")


def leave(status):
    """End the machine through the exit port: QEMU's own status is 33 + 2 * status. Does not return."""
    cpu.exit(0x10 + status)
