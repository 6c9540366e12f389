"""Where an instruction would have accessed memory: enough of x86-64's encoding to name a bad address.

The CPU tells no address with a general protection fault. It is in the registers that the instruction names. (Intel
SDM, volume 2, "Instruction Format".)
"""

import struct

RSP, RBP, RSI, RDI = 4, 5, 6, 7
LEGACY_PREFIXES = b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3"
STRING_OPCODES = b"\xa4\xa5\xa6\xa7\xaa\xab\xac\xad\xae\xaf"
STACK_OPCODES = bytes(list(range(0x50, 0x60)) + [0xC3, 0xC2, 0xC9, 0xCC, 0xE8])
WITHOUT_OPERAND = bytes(list(range(0xB0, 0xC0)) + list(range(0x70, 0x80)) + [0x90, 0xE9, 0xEB, 0xF4])
WORD = (1 << 64) - 1


def operand_addresses(code, registers, instruction_pointer):
    """Return the addresses that the instruction at the start of `code` (15 bytes or fewer) accesses, as far as known.

    registers: the sixteen in the CPU's own numbering.
    """
    at, rex = 0, 0
    while at < len(code) and code[at] in LEGACY_PREFIXES:
        at += 1
    if at < len(code) and code[at] & 0xF0 == 0x40:
        rex = code[at]
        at += 1
    if at >= len(code):
        return []
    opcode = code[at]
    at += 1
    if opcode in STRING_OPCODES:
        return [registers[RSI], registers[RDI]]
    if opcode in STACK_OPCODES:
        return [registers[RSP]]
    if opcode in WITHOUT_OPERAND:
        return []
    if opcode == 0x0F:
        at += 2 if code[at] in b"\x38\x3a" else 1
    return _modrm(code, at, rex, registers, instruction_pointer)


def _modrm(code, at, rex, registers, instruction_pointer):
    """The memory operand of a ModRM byte, if it names memory."""
    if at >= len(code) or code[at] >> 6 == 3:
        return []
    mode, base = code[at] >> 6, code[at] & 7
    at += 1
    if base == 4:
        scale, index, base = code[at] >> 6, code[at] >> 3 & 7 | (rex & 2) << 2, code[at] & 7
        at += 1
        address = 0 if index == 4 else registers[index] << scale
    elif base == 5 and mode == 0:
        # Relative to the next instruction, whose start only a full decoder knows; within 15 bytes of this one.
        return [instruction_pointer + _displacement(code, at, 4) & WORD]
    else:
        address = 0
    if base == 5 and mode == 0:
        return [address + _displacement(code, at, 4) & WORD]
    address += registers[base | (rex & 1) << 3]
    return [address + _displacement(code, at, (0, 1, 4)[mode]) & WORD]


def _displacement(code, at, length):
    if length == 0:
        return 0
    return struct.unpack_from("<b" if length == 1 else "<i", code, at)[0]
