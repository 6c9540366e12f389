"""Addresses keep to the x86-64 architecture, and to the tables of the x86_64 crate where the contract does.

Rows are (expression, what it gives): a repr, or the class of the error. V and P are VirtualAddress and PhysicalAddress.

Where this kernel differs from the x86_64 crate on purpose (memory-contract.md wins):

    the crate                                          here
    panics                                             raises, with the value in the message
    `addr + n` may land beyond the hole                AcrossTheHole: a step never jumps the hole
    align_up into the hole sign-extends                NonCanonicalAddress
    align_down to 2^48 of an upper address gives 0     NonCanonicalAddress
    `a - b` panics when negative                       a plain int difference, of either sign
    Step (forward, backward) jumps the hole            no stepping over the hole, and none past the ends
    2^52 physical addresses                            what the CPU has (MAXPHYADDR), never more than 2^52
"""

import pytest
from harness import unix_port
from on_target import source

SETUP = source("unix_port/short_names")

CONSTRUCTION = """
V(0) | v0x0
V(0xb8000) | v0xb8000
V(0x7fffffffffff) | v0x7fffffffffff
V(0x800000000000) | NonCanonicalAddress
V(0xffff7fffffffffff) | NonCanonicalAddress
V(0x123456789abcdef0) | NonCanonicalAddress
V(0xffff800000000000) | v0xffff800000000000
V(2**64 - 1) | v0xffffffffffffffff
V(2**64) | ValueError
V(-1) | ValueError
V(True) | TypeError
V(1.0) | TypeError
V("1") | TypeError
V(None) | TypeError
V(V(1)) | TypeError
V(P(1)) | TypeError
V.zero() | v0x0
P.zero() | p0x0
P(0xfffffffffffff) | p0xfffffffffffff
P(0x10000000000000) | PhysicalAddressTooWide
P(2**64) | ValueError
P(-1) | ValueError
P(False) | TypeError
V.new_canonical(0) | v0x0
V.new_canonical(1 << 47) | v0xffff800000000000
V.new_canonical(123) | v0x7b
V.new_canonical(123 << 47 & (1 << 64) - 1) | v0xffff800000000000
V.new_canonical(0xffff7fffffffffff) | v0x7fffffffffff
V.new_canonical(0x123456789abcdef0) | v0x56789abcdef0
V.new_canonical(2**64) | ValueError
V.new_canonical(-1) | ValueError
P.new_truncate(1 << 52 | 5) | p0x5
P.new_canonical(5) | AttributeError
V.new_truncate(5) | AttributeError
V(5).value | 5
V(2**64 - 1).value | 18446744073709551615
str(V(0xFFFF800000000000)) | 'v0xffff800000000000'
str(P(0xB8000)) | 'p0xb8000'
"""

ARITHMETIC = """
MAX + 1 | OutOfRange
V(0) - 1 | OutOfRange
LOW_LAST + 1 | NonCanonicalAddress
HIGH - 1 | NonCanonicalAddress
LOW_LAST + 0xffff000000000001 | AcrossTheHole
V(0) + 0 | v0x0
V(0) + 0x100000000 | v0x100000000
V(0x7fffffffff00) + 0xff | v0x7fffffffffff
V(0x7fffffffff00) + 0x100 | NonCanonicalAddress
V(0x7fffffffff00) + 0x8000000000ff | NonCanonicalAddress
HIGH + 0x7fffffffffff | v0xffffffffffffffff
HIGH + 0x800000000000 | OutOfRange
V(1) - 1 | v0x0
V(0xffff800000000001) - 1 | v0xffff800000000000
V(0xffff923456789abc) - 0x123456789abc | v0xffff800000000000
V(0xffff923456789abc) - 0x123456789abd | NonCanonicalAddress
HIGH - 0xffff7fffffffff01 | AcrossTheHole
V(0x100000000) - V(0) | 4294967296
V(0x1000) + 2**47 | NonCanonicalAddress
HIGH - 0xffff800000000000 | AcrossTheHole
V(0x1000) + 0x234 | v0x1234
0x234 + V(0x1000) | v0x1234
HIGH + 1 | v0xffff800000000001
MAX - 1 | v0xfffffffffffffffe
V(5) + True | TypeError
V(5) + 1.5 | TypeError
V(5) + -1 | ValueError
V(5) - -1 | ValueError
V(5) + V(5) | TypeError
V(5) + P(5) | TypeError
V(5) - P(5) | TypeError
V(5) + 2**64 | ValueError
V(0x3000) - V(0x1000) | 8192
V(0x1000) - V(0x3000) | -8192
HIGH - LOW_LAST | 18446462598732840961
P(0xfffffffffffff) + 1 | PhysicalAddressTooWide
P(0xfffffffffffff) + 0xffff000000000000 | OutOfRange
P(0) - 1 | OutOfRange
P(7) - P(5) | 2
V(1) & 1 | TypeError
V(1) | V(1) | TypeError
V(1) * 2 | TypeError
V(3).align_up(1) | v0x3
V(1233).align_up(2) | v0x4d2
V(1234).align_up(2) | v0x4d2
V(0).align_up(128) | v0x0
V(0).align_up(1 << 63) | v0x0
V(0x1001).align_up(4096) | v0x2000
V(0x1fff).align_down(4096) | v0x1000
LOW_LAST.align_up(2) | NonCanonicalAddress
MAX.align_up(4096) | OutOfRange
MAX.align_up(2) | OutOfRange
MAX.align_up(1) | v0xffffffffffffffff
HIGH.align_down(1 << 48) | NonCanonicalAddress
HIGH.is_aligned(1 << 48) | False
HIGH.is_aligned(1 << 47) | True
V(0x200000).is_aligned(0x200000) | True
V(0x201000).is_aligned(0x200000) | False
V(5).align_up(0) | ValueError
V(5).align_up(3) | ValueError
V(5).align_down(-4) | ValueError
V(5).is_aligned(True) | TypeError
P(0xfffffffffffff).align_up(2) | PhysicalAddressTooWide
"""

ORDER_AND_PARTS = """
V(1) == V(1) | True
V(1) == P(1) | False
V(1) != P(1) | True
V(1) == 1 | False
V(1) < V(2) | True
LOW_LAST < HIGH | True
HIGH > LOW_LAST | True
V(2) >= V(2) | True
V(1) < P(2) | TypeError
P(1) >= V(1) | TypeError
V(1) < 2 | TypeError
len({V(1), V(1), V(2)}) | 2
len({V(1), P(1)}) | 2
sorted([MAX, V(0), HIGH, LOW_LAST])[2] | v0xffff800000000000
V(0x803fe7f5ce).p4_index() | 1
V(0x803fe7f5ce).p3_index() | 0
V(0x803fe7f5ce).p2_index() | 511
V(0x803fe7f5ce).p1_index() | 127
V(0x803fe7f5ce).page_offset() | 1486
V(0xffffffff80100000).p4_index() | 511
V(0xffffffff80100000).p3_index() | 510
V(0xffffffff80100000).p2_index() | 0
V(0xffffffff80100000).p1_index() | 256
P(0x12345).frame_offset() | 837
P(0x12345).p4_index() | AttributeError
P(0x12345).page_offset() | AttributeError
V(0x12345).frame_offset() | AttributeError
index_of(5, 0) | ValueError
index_of(5, 5) | ValueError
index_of(5, True) | TypeError
"""

TABLES = {"construction": CONSTRUCTION, "arithmetic": ARITHMETIC, "order and parts": ORDER_AND_PARTS}


@pytest.mark.parametrize("table", TABLES)
def test_every_row_gives_what_the_table_says(tmp_path, table):
    assert unix_port.wrong_rows(tmp_path, SETUP, TABLES[table]) == []


@pytest.mark.four_levels
def test_the_kernel_itself_gives_the_same(kernel):
    kernel.exec("from memory_structs import set_physical_address_bits; set_physical_address_bits(52)")
    kernel.exec(SETUP)
    for table in TABLES.values():
        assert kernel.eval(f"wrong_rows({list(unix_port.rows_of(table))!r})") == []


def test_maxphyaddr_bounds_physical_addresses(tmp_path):
    setup = "from memory_structs import *\nset_physical_address_bits(40)\n"
    expressions = ["PhysicalAddress(2**40 - 1)", "PhysicalAddress(2**40)", "Frame.maximum()", "Frame(2**28)"]
    kinds = [kind for kind, _ in unix_port.evaluate(tmp_path, setup, expressions)]
    assert kinds == ["value", "PhysicalAddressTooWide", "value", "PhysicalAddressTooWide"]


@pytest.mark.parametrize("bits", [True, 40.0, 31, 0, -1])
def test_a_senseless_maxphyaddr_is_refused(tmp_path, bits):
    setup = "from memory_structs import *\n"
    (kind, _), (_, still) = unix_port.evaluate(
        tmp_path, setup, [f"set_physical_address_bits({bits!r})", "Frame.maximum().number == 2**40 - 1"]
    )
    assert kind in ("TypeError", "ValueError")
    assert still == "True"


@pytest.mark.parametrize("bits", ["'52'", "True", "None", "40.0"])
def test_the_width_of_addresses_is_an_int(kernel, bits):
    with kernel.raises("TypeError", "bits must be an int, not"):
        kernel.exec(f"from memory_structs import set_physical_address_bits; set_physical_address_bits({bits})")


@pytest.mark.parametrize("bits", [31, 0, -1])
def test_the_width_of_addresses_is_one_that_a_processor_can_have(kernel, bits):
    with kernel.raises("ValueError", "bits must be from 32 to"):
        kernel.exec(f"from memory_structs import set_physical_address_bits; set_physical_address_bits({bits})")
