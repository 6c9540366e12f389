"""The vocabulary follows the paging mode: with five levels of tables the same sources know 57 bits of an address.

A stand-in for the processor's native module says how many levels there are; everything is imported after that.
"""

import pytest
from harness import Kernel, unix_port
from on_target import source

SETUP = """
import sys

class Processor:
    def paging_levels(self):
        return LEVELS

sys.modules["_cpu"] = Processor()
from memory_structs import Frame, Page, PhysicalAddress, VirtualAddress
from memory_structs import mode
from memory_structs.spaces import VIRTUAL
V = VirtualAddress
"""

WITH_FIVE = """
V(0x800000000000) | v0x800000000000
V((1 << 56) - 1) | v0xffffffffffffff
V(1 << 56) | NonCanonicalAddress
V(0xff00000000000000) | v0xff00000000000000
V(0xff00000000000000 - 1) | NonCanonicalAddress
V.new_canonical(1 << 56) | v0xff00000000000000
V((1 << 64) - 1).index_at(5) | 511
V(3 << 48).index_at(5) | 3
V(3 << 48).p4_index() | 0
V(3 << 48).p5_index() | 3
Page(5 << 36).p5_index() | 5
V(0).index_at(6) | ValueError
Page(1 << 43) | Page(v0x80000000000000)
Page(1 << 44) | NonCanonicalAddress
VIRTUAL.description() | 'the canonical addresses (bits 57 to 63 copy bit 56)'
mode.page_of_root_entry(256) | 4486007441326080
mode.page_of_root_entry(511) | 4503530907893760
mode.canonical_page(1 << 44) == mode.UPPER_HALF_FIRST_PAGE | True
mode.LOWER_HALF_LAST_PAGE == (1 << 44) - 1 | True
PhysicalAddress(1 << 52) | PhysicalAddressTooWide
"""

WITH_FOUR = """
V(0x800000000000) | NonCanonicalAddress
V(0).index_at(5) | ValueError
V(0).p5_index() | ValueError
VIRTUAL.description() | 'the canonical addresses (bits 48 to 63 copy bit 47)'
mode.page_of_root_entry(511) | 4503599493152768
"""


def test_the_kernel_itself_gives_the_same(boot):
    kernel = Kernel(boot(paging=5))
    kernel.exec("from memory_structs import set_physical_address_bits; set_physical_address_bits(52)")
    kernel.exec(source("unix_port/short_names"))
    kernel.exec("from memory_structs import mode\nfrom memory_structs.spaces import VIRTUAL")
    assert kernel.eval(f"wrong_rows({list(unix_port.rows_of(WITH_FIVE))!r})") == []


@pytest.mark.parametrize(("levels", "table"), [(5, WITH_FIVE), (4, WITH_FOUR)])
def test_addresses_and_pages_are_those_of_the_mode(tmp_path, levels, table):
    assert unix_port.wrong_rows(tmp_path, f"LEVELS = {levels}\n{SETUP}", table) == []
