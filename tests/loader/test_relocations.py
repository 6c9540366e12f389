"""What a relocation stores fits the place, or is refused: each type, at every edge of what it can hold."""

import struct

TYPES = {1: "q", 2: "i", 4: "i", 9: "i", 10: "I", 11: "i", 24: "q", 26: "i", 41: "i", 42: "i"}
EDGES = [sign * (1 << bits) + more for bits in (0, 7, 31, 32, 33, 63) for sign in (1, -1) for more in (-1, 0, 1)]


def encoded(letter, value):
    """What the psABI says: eight bytes take any number modulo 2^64; four take it with their own sign, or not at all."""
    value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
    try:
        return struct.pack(f"<{letter}", value)
    except struct.error:
        return None


def test_what_does_not_fit_is_never_cut_off(kernel):
    kernel.exec("from loader.relocations import encoded")
    for kind, letter in TYPES.items():
        expected = [encoded(letter, value) for value in EDGES]
        assert None in expected or letter == "q"
        assert kernel.eval(f"[encoded({kind}, value) for value in {EDGES}]") == expected, kind
