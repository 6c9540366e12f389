"""Have the machine perform blocks of cases, and compare with the oracle.

The kernel hands back a checksum of each run of outcomes. Only where it is not the one of the oracle's prediction are
the outcomes themselves fetched, to name the cases that differ.
"""

import dataclasses
import functools
import zlib
from collections import Counter
from dataclasses import dataclass

import numpy
from oracle.permissions import LEVELS, Processor, outcomes

from matrix import blocks

IMPORT = "from faults import probe as p"
RUNS_AT_ONCE = 24
KEPT = 100
KIND_NAMES = ("read", "write", "execute")
CODE_NAMES = ("P", "W", "U", "RSVD", "I/D", "PK")
# What the SDM leaves open, and what an emulator gets wrong: the fields of Processor that are not the CPU's equipment.
# Whether this version of an emulator takes one is found out by trying; nobody takes one that is another emulator's.
LIBERTIES_OF_TCG = ("upper_accessed_on_fault", "tcg_rsvd_without_p", "tcg_gigabyte_leaf_accessed")
LIBERTIES_OF_OTHERS = ("bochs_pku",)
LIBERTIES = LIBERTIES_OF_TCG + LIBERTIES_OF_OTHERS
TRIED_STATES = 64
EQUIPMENT = {"smep": (1, 7), "smap": (1, 20), "pke": (2, 3), "pks": (2, 31)}
"""Settings that not every CPU has: (register of CPUID leaf 7, bit); EBX is 1."""
VENDOR_TCG = b"TCGTCGTCGTCG"


@dataclass(frozen=True)
class Disagreement:
    """One case in which the machine did not do what the oracle says."""

    block: object
    state: int
    access: object
    expected: int
    found: int

    def __str__(self):
        entries = self.block.entries(self.state, 1)
        table = " ".join(f"P{level} {int(entries[level][0]):#x}" for level in LEVELS)
        return (
            f"{self.block.name}: {table}; {self.block.settings}; {in_words(self.access)}: "
            f"expected {words(self.expected)}, the machine did {words(self.found)}"
        )


def in_words(access):
    """Return who accesses how."""
    who = f"{'user' if access.user else 'supervisor'} {KIND_NAMES[access.kind]}"
    return who + (", primed" if access.primed else "") + (", AC" if access.ac else "")


def words(word):
    """Return an outcome in words."""
    code = "|".join(name for bit, name in enumerate(CODE_NAMES) if word >> bit & 1) or "0"
    text = f"page fault {code}" if word >> 6 & 1 else "success"
    text += "".join(f", A{level}" for level in (1, 2, 3, 4) if word >> (7 + level) & 1)
    text += "".join(f", D{level}" for level in (1, 2, 3) if word >> (11 + level) & 1)
    return text + (", and something else changed or came back wrong" if word >> 7 & 1 else "")


@functools.lru_cache(maxsize=256)
def predicted(question, first, count, processor):
    """Return what the oracle says of some states: an array [state, access] of words."""
    entries, settings, accesses = question.entries(first, count), question.settings, question.accesses
    return outcomes(entries, processor, settings, accesses).astype("<u2")


def access_number(access):
    """Return an access as the kernel's probe has it."""
    return access.kind | access.user << 2 | access.primed << 3 | access.ac << 4


def packed(block):
    """Return the arguments of the kernel's `block()` for a block."""
    s = block.settings
    settings = s.wp | s.nxe << 1 | s.smep << 2 | s.smap << 3 | s.pke << 4 | block.below_root << 5 | s.pks << 6
    accesses = tuple(access_number(access) for access in block.accesses)
    return (block.flags[::-1], block.toggles, accesses, settings, s.pkru, s.pkrs, block.place, block.value)


def processor_of(kernel):
    """Return the Processor that a kernel runs on."""
    kernel.exec("import _cpu")
    leaf = kernel.eval("_cpu.cpuid(0x40000000)")
    is_tcg = b"".join(number.to_bytes(4, "little") for number in leaf[1:]) == VENDOR_TCG
    keys, gigabyte_pages = has_keys(kernel), bool(kernel.eval("_cpu.cpuid(0x80000001)[3] >> 26 & 1"))
    identity = (kernel.eval("(_cpu.cpuid(0), _cpu.cpuid(1)[0], _cpu.physical_bits())"), is_tcg, keys, gigabyte_pages)
    if str(identity) not in known_processors:
        equipment = Processor(kernel.eval("_cpu.physical_bits()"), gigabyte_pages, upper_accessed_on_fault=False)
        tried = LIBERTIES_OF_TCG if is_tcg else LIBERTIES_OF_OTHERS if keys else ()
        known_processors[str(identity)] = with_liberties(kernel, equipment, tried)
    return known_processors[str(identity)]


known_processors = {}


def with_liberties(kernel, processor, names):
    """Return a Processor with those of the named liberties that the machine takes, each tried where it shows."""
    kernel.exec(IMPORT)
    missing, plain = lacking(kernel), [block for block in blocks.anchor() if not block.settings.pke]
    candidates = [
        *blocks.gigabyte_pages()[::5],
        *(block for block in blocks.anchor() if block.settings.pke),
        *plain[::8],
    ]
    candidates = [block for block in candidates if not any(getattr(block.settings, name) for name in missing)]
    for name in names:
        other = dataclasses.replace(processor, **{name: True})
        for block in candidates:
            run = (block.question(), 0, min(TRIED_STATES, block.states))
            without, with_it = predicted(*run, processor), predicted(*run, other)
            if not numpy.array_equal(without, with_it):
                found = outcomes_found(kernel, block, *run[1:]).reshape(without.shape)
                processor = min((without, processor), (with_it, other), key=lambda row: numpy.sum(row[0] != found))[1]
                break
        else:
            if processor.gigabyte_pages and not missing:
                raise AssertionError(f"no block shows whether this machine takes the liberty {name}")
    return processor


def lacking(kernel):
    """Return the settings that the CPU lacks, by their names in Settings; blocks with these can't be performed."""
    kernel.exec("import _cpu")
    leaf = kernel.eval("_cpu.cpuid(7)")
    return {name for name, (register, bit) in EQUIPMENT.items() if not leaf[register] >> bit & 1}


def has_keys(kernel):
    """Answer whether the CPU has protection keys."""
    return "pke" not in lacking(kernel)


def outcomes_found(kernel, block, first, count):
    """Have the machine perform some states of a block; return its outcomes as a flat array of words."""
    text = kernel.exec(
        f"import binascii\nb = p.block{packed(block)!r}\nfor first in range({first}, {first + count}, 256):\n"
        f"    print(binascii.hexlify(p.results(b, first, min(256, {first + count} - first))).decode())",
        60,
    )
    return numpy.frombuffer(bytes.fromhex(text), "<u2")


class Judge:
    """Runs (block, first state, count) runs on a kernel; keeps count, and what disagreed (the first KEPT).

    known: differences that are no complaint, a Known; .excused says how many cases each explained.
    """

    def __init__(self, kernel, processor=None, known=None):
        self.kernel = kernel
        self.processor = processor or processor_of(kernel)
        self.known = known
        self.excused = Counter()
        self.cases = self.faults = self.disagreeing = 0
        self.disagreements = []
        kernel.exec(IMPORT)

    def run(self, runs, progress=lambda judge: None):
        """Perform and judge runs; call progress after each exchange with the machine."""
        pending = []
        for run in runs:
            pending.append(run)
            if len(pending) == RUNS_AT_ONCE:
                self._exchange(pending)
                pending = []
                progress(self)
        if pending:
            self._exchange(pending)
            progress(self)

    def _exchange(self, runs):
        lines = [f"print(p.checksum(p.block{packed(block)!r}, {first}, {count}))" for block, first, count in runs]
        self.kernel.start("\n".join(lines))
        expected = [predicted(run[0].question(), *run[1:], self.processor) for run in runs]
        found = [int(line) for line in self.kernel.finish(120).split()]
        for run, words_expected, crc in zip(runs, expected, found, strict=True):
            self.cases += words_expected.size
            self.faults += int(numpy.count_nonzero(words_expected & 1 << 6))
            if zlib.crc32(words_expected.tobytes()) != crc:
                self._explain(run, words_expected)

    def _explain(self, run, expected):
        block, first, count = run
        found = outcomes_found(self.kernel, block, first, count).reshape(expected.shape)
        for state, position in numpy.argwhere(found != expected):
            numbers = int(expected[state, position]), int(found[state, position])
            disagreement = Disagreement(block, first + int(state), block.accesses[position], *numbers)
            why = self.known and self.known.reason_for(disagreement)
            if why:
                self.excused[why] += 1
                continue
            self.disagreeing += 1
            if len(self.disagreements) < KEPT:
                self.disagreements.append(disagreement)
