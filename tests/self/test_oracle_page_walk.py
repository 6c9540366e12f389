"""The oracle's own walk, on tables built by hand: it must be right before the kernel can be measured by it."""

import struct

import pytest
from oracle.page_walk import (
    GLOBAL,
    HUGE,
    NO_EXECUTE,
    PRESENT,
    USER,
    WRITABLE,
    canonical,
    path_to,
    table_frames,
    translate,
    walk,
)


class Ram:
    """1 MiB of RAM at physical address 0, for four levels of tables."""

    levels = 4

    levels = 4

    def __init__(self):
        self.bytes = bytearray(1 << 20)

    def is_ram(self, address, length=1):
        return address >= 0 and address + length <= len(self.bytes)

    def read(self, address, length):
        return bytes(self.bytes[address : address + length])

    def link(self, table, index, entry):
        struct.pack_into("<Q", self.bytes, table + 8 * index, entry)


ROOT, P3, P2, P1 = 0x1000, 0x2000, 0x3000, 0x4000
ALL = PRESENT | WRITABLE | USER


@pytest.fixture
def ram():
    """RAM with one path of tables: root[256] -> P3[1] -> P2[2] -> P1, everything allowed."""
    ram = Ram()
    ram.link(ROOT, 256, P3 | ALL)
    ram.link(P3, 1, P2 | ALL)
    ram.link(P2, 2, P1 | ALL)
    return ram


BASE = 0xFFFF800000000000 + (1 << 30) + 2 * (1 << 21)


def test_a_small_page_is_found_with_its_rights(ram):
    ram.link(P1, 3, 0x7000 | PRESENT | NO_EXECUTE)
    (leaf,) = walk(ROOT, ram)
    assert (leaf.va, leaf.pa, leaf.size, leaf.level) == (BASE + 3 * 4096, 0x7000, 4096, 1)
    assert (leaf.writable, leaf.user, leaf.executable, leaf.malformed) == (False, False, False, False)
    assert translate(ROOT, ram, BASE + 3 * 4096 + 5) == leaf


@pytest.mark.parametrize("level_table", [(ROOT, 256, P3), (P3, 1, P2), (P2, 2, P1)])
def test_every_level_can_take_every_right_away(ram, level_table):
    table, index, below = level_table
    ram.link(P1, 0, 0x7000 | ALL)
    ram.link(table, index, below | PRESENT | NO_EXECUTE)
    (leaf,) = walk(ROOT, ram)
    assert (leaf.writable, leaf.user, leaf.executable) == (False, False, False)


def test_huge_pages_of_both_sizes_are_leaves(ram):
    ram.link(P3, 5, (7 << 30) | HUGE | PRESENT | WRITABLE)
    ram.link(P2, 9, (3 << 21) | HUGE | PRESENT | GLOBAL)
    assert [(leaf.pa, leaf.size, leaf.level) for leaf in walk(ROOT, ram)] == [
        (3 << 21, 1 << 21, 2),
        (7 << 30, 1 << 30, 3),
    ]


def test_bit_seven_of_a_small_page_is_no_size(ram):
    ram.link(P1, 0, 0x7000 | HUGE | PRESENT)
    assert next(walk(ROOT, ram)).size == 4096


@pytest.mark.parametrize(
    ("table", "index", "entry"),
    [
        (P1, 0, 0x7000 | PRESENT | 1 << 40),
        (P2, 9, (3 << 21) | HUGE | PRESENT | 1 << 13),
        (P3, 5, (7 << 30) | HUGE | PRESENT | 1 << 29),
    ],
)
def test_reserved_bits_make_a_leaf_malformed(ram, table, index, entry):
    ram.link(table, index, entry)
    assert [leaf.malformed for leaf in walk(ROOT, ram)] == [True]


def test_bit_twelve_of_a_huge_page_is_pat_and_not_reserved(ram):
    ram.link(P2, 9, (3 << 21) | HUGE | PRESENT | 1 << 12)
    leaf = next(walk(ROOT, ram))
    assert (leaf.malformed, leaf.pa) == (False, 3 << 21)


def test_no_execute_is_reserved_while_it_is_switched_off(ram):
    ram.link(P1, 0, 0x7000 | PRESENT | NO_EXECUTE)
    assert next(walk(ROOT, ram, no_execute=False)).malformed


def test_a_hole_ends_the_path(ram):
    assert translate(ROOT, ram, BASE) is None
    assert path_to(ROOT, ram, BASE) == [P3 | ALL, P2 | ALL, P1 | ALL, 0]
    assert path_to(ROOT, ram, 0) == [0]


def test_a_recursive_slot_shows_the_tables_as_pages(ram):
    ram.link(ROOT, 510, ROOT | PRESENT | WRITABLE)
    tables = {leaf.pa for leaf in walk(ROOT, ram, top_slots=[510])}
    assert tables == {ROOT, P3, P2, P1}
    assert table_frames(ROOT, ram) == {ROOT: 4, P3: 3, P2: 2, P1: 1}


def test_a_table_outside_ram_has_no_entries(ram):
    ram.link(ROOT, 7, 0x8000_0000 | ALL)
    assert list(walk(ROOT, ram)) == []


def test_five_levels_are_one_more(ram):
    top = 0x9000
    ram.link(top, 0, ROOT | ALL)
    ram.link(P1, 3, 0x7000 | ALL)
    (leaf,) = walk(top, ram, levels=5)
    assert leaf.va == (256 << 39) + (1 << 30) + 2 * (1 << 21) + 3 * 4096  # canonical there without its top bits


def test_canonical_copies_the_highest_translated_bit():
    assert canonical(1 << 47, 4) == 0xFFFF800000000000
    assert canonical(1 << 47, 5) == 1 << 47
    assert canonical(1 << 56, 5) == 0xFF00000000000000
