"""The decoder names the address that an instruction accesses, for every form of a memory operand.

Instructions are encoded here, by the tables of the SDM, volume 2 ("ModR/M and SIB Bytes", "REX Prefixes").
"""

import struct
from itertools import product

import machine
import pytest

MASK = (1 << 64) - 1
REGISTERS = [0x1111_0000_0000_0000 * (n % 9 + 1) + 0x10_0000 * n + n for n in range(16)]
INSTRUCTION_POINTER = 0xFFFF_FFFF_8010_0000
DISPLACEMENTS = [None, 0, 1, 127, -128, 0x1234_5678, -0x1234_5678]


@pytest.fixture(scope="module")
def addresses():
    """A function that decodes many instructions at once; the kernel's decoder, on this machine."""
    from harness import UnixPython  # noqa: PLC0415

    process = UnixPython()
    process.exec(f"""
        import sys
        sys.path.append({str(machine.ROOT / "kernel" / "faults")!r})
        from instructions import operand_addresses
        registers = {REGISTERS}
        """)
    yield lambda codes: process.eval(
        f"[operand_addresses(code, registers, {INSTRUCTION_POINTER}) for code in {codes!r}]"
    )
    process.close()


def encoded(opcode, base, index, scale, displacement):
    """The bytes of `opcode` with REX.W, register 2 and a memory operand. index: the number of a register, or None."""
    rex = 0x48 | (base >> 3) | ((index or 0) >> 3) << 1
    if displacement is None and base & 7 != 5:
        mode, tail = 0, b""
    elif displacement is None or -128 <= displacement <= 127:
        mode, tail = 1, struct.pack("<b", displacement or 0)
    else:
        mode, tail = 2, struct.pack("<i", displacement)
    if index is None and base & 7 != 4:
        return bytes([rex]) + opcode + bytes([mode << 6 | 2 << 3 | base & 7]) + tail
    sib = scale << 6 | (4 if index is None else index & 7) << 3 | base & 7
    return bytes([rex]) + opcode + bytes([mode << 6 | 2 << 3 | 4, sib]) + tail


@pytest.mark.parametrize("opcode", [b"\x8b", b"\x89", b"\x0f\xb6", b"\x88"])
def test_base_index_scale_and_displacement_all_count(addresses, opcode):
    indexes = [index for index in (None, *range(16)) if index != 4]  # RSP is never an index
    cases = list(product(range(16), indexes, range(4), DISPLACEMENTS))
    expected = [
        [(REGISTERS[base] + (0 if index is None else REGISTERS[index] << scale) + (displacement or 0)) & MASK]
        for base, index, scale, displacement in cases
    ]
    found = []
    for at in range(0, len(cases), 500):
        found += addresses([encoded(opcode, *case) for case in cases[at : at + 500]])
    wrong = [case for case, a, b in zip(cases, found, expected, strict=True) if a != b]
    assert wrong == [], "(base, index, scale, displacement)"
    assert len(found) == 16 * 16 * 4 * len(DISPLACEMENTS)


def test_an_index_without_a_base_and_the_next_instruction(addresses):
    """Mode 0 has no base 5: there stands a displacement, with SIB alone, without it from the next instruction on."""
    codes = [
        b"\x4a\x8b\x14" + bytes([2 << 6 | 3 << 3 | 5]) + struct.pack("<i", -64),
        b"\x8b\x15" + struct.pack("<i", -64),
    ]
    assert addresses(codes) == [[((REGISTERS[11] << 2) - 64) & MASK], [INSTRUCTION_POINTER - 64]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (b"\xf3\x48\xa5", [REGISTERS[6], REGISTERS[7]]),
        (b"\x50", [REGISTERS[4]]),
        (b"\xc3", [REGISTERS[4]]),
        (b"\x48\x8b\xc8", []),
        (b"\x90", []),
        (b"", []),
        (b"\x66", []),
        (b"\x48", []),
        (b"\x8b", []),
    ],
)
def test_what_has_no_such_operand_names_what_it_uses_or_nothing(addresses, code, expected):
    assert addresses([code]) == [expected]
