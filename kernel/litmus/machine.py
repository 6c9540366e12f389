"""The few instructions that litmus tests are made of, as bytes. (Intel SDM, volume 2, "Instruction Format".)

A Code grows by one instruction a call. What registers are for, all the time:

    RBX  the control page              R12  runs that are left         RBP  the random number
    R13  where the outcome goes        R14  arrivals to wait for       R15  where to go on after a page fault, or 0
    R8 R9 R10 R11 RSI RDI  results     RAX RCX RDX  for the moment
"""

import struct
from binascii import unhexlify

RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 = range(16)
RESULTS = (R8, R9, R10, R11, RSI, RDI)
LONG = 4


class Code:
    """Machine code that is being written; `.bytes` is what there is of it."""

    def __init__(self):
        self.bytes = bytearray()

    def raw(self, text):
        """Append bytes that are written as hexadecimal digits."""
        self.bytes.extend(unhexlify(text))

    def long(self, number):
        """Append a number of 32 bits, signed or not."""
        self.bytes.extend(struct.pack("<I", number & 0xFFFFFFFF))

    def set(self, register, number):
        """register = number, 64 bits."""
        self.bytes.extend(bytes([0x48 | register >> 3, 0xB8 | register & 7]))
        self.bytes.extend(struct.pack("<Q", number & 0xFFFFFFFFFFFFFFFF))

    def push(self, *registers):
        """Push 64-bit registers, the first one first."""
        for register in registers:
            self.bytes.extend(bytes([0x40 | register >> 3, 0x50 | register & 7]))

    def pop(self, *registers):
        """Pop 64-bit registers, the first one first."""
        for register in registers:
            self.bytes.extend(bytes([0x40 | register >> 3, 0x58 | register & 7]))

    def keep(self, result):
        """Result register number `result` = EAX."""
        register = RESULTS[result]
        self.bytes.extend(bytes([0x40 | register >> 3, 0x89, 0xC0 | register & 7]))

    def note_result(self, result, offset):
        """The byte at R13 + offset = result register number `result`."""
        register = RESULTS[result]
        self.bytes.extend(bytes([0x41 | register >> 3 << 2, 0x88, 0x45 | (register & 7) << 3, offset]))

    def forward(self, opcode):
        """Append a jump (its opcode as digits) to a place that comes later; returns it for `here`."""
        self.raw(opcode)
        self.long(0)
        return len(self.bytes)

    def here(self, jump):
        """Let a jump arrive here."""
        struct.pack_into("<i", self.bytes, jump - LONG, len(self.bytes) - jump)

    def back(self, opcode, place):
        """Append a jump to a place that was passed, a length of `.bytes`."""
        self.raw(opcode)
        self.long(place - len(self.bytes) - LONG)


JUMP, JUMP_IF_ZERO, JUMP_IF_NOT_ZERO, JUMP_IF_NOT_NEGATIVE = "e9", "0f84", "0f85", "0f89"
