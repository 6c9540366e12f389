"""`poke` into a live table says what it hit, `flush` makes the TLB forget, and `stale` finds what it should have."""

import on_target
import pytest
from harness import depth
from harness.guard import POKES

PREPARE = """
import _memory, memory
from memory import *
from paging import OffsetPageTable
from shell.commands import flush, peek, poke, stale
RW = PteFlags().writable(True)
m = create_mapping(8192, RW, huge=False)
at = m.start_address
mapper = OffsetPageTable()
def place(level, page=m.start.number, mapper=mapper):
    "Where the window shows the entry at a level on the way of a page."
    return (mapper.access.walk(page, level, bytearray(48)) & -8) + (1 << 64)
def lines(view): return list(view.lines())
def raw(level): return _memory.load64(place(level))
"""
OWED = "a flush is owed: flush v0x%x"


@pytest.fixture
def live(kernel):
    kernel.exec(PREPARE)
    return kernel


def poke(live, place, value, width=64):
    return live.eval(f"lines(poke({place}, {value}, {width}))")


@POKES
def test_poke_into_a_leaf_says_what_it_was_and_is_and_what_is_owed(live):
    old, table = live.eval("(raw(1), mapper.walk(at)[-1].table.number)")
    index, page = live.eval("(m.start.p1_index(), at.value)")
    said = poke(live, "place(1)", old & ~2)
    assert said[1] == f"P1[{index}] of the table in frame {table:#x}, for v{page:#x}"
    assert said[2].startswith(f"was {old:#018x}, P W")
    assert said[2].endswith(f"-> 4K p{old & 0xFFFFFFFFFF000:#x}")
    assert said[3].startswith(f"is  {old & ~2:#018x}, P ")
    assert said[4:] == [OWED % page]
    poke(live, "place(1)", old)
    assert poke(live, "place(1)", 0)[3:] == [f"is  {0:#018x}, not present", OWED % page]
    assert poke(live, "place(1)", old)[4:] == ["no flush is owed: the TLB remembers only what was present"]
    assert poke(live, "place(1)", old)[4:] == ["no flush is owed: the entry takes nothing back"]


@POKES
def test_a_byte_of_an_entry_is_a_poke_of_the_entry(live):
    old = live.eval("raw(1)")
    assert poke(live, "place(1)", old & 0xFD, 8)[4] == OWED % live.eval("at.value")
    assert live.eval("raw(1)") == old & ~2


@POKES
def test_poke_above_the_leaves_owes_a_flush_of_everything_below(live):
    old = live.eval("raw(2)")
    assert poke(live, "place(2)", old | 4)[4:] == ["a flush is owed of everything below: flush"]
    assert poke(live, "place(2)", old)[1].startswith("P2[")


@POKES
def test_poke_into_a_table_of_another_root_is_known_too(live):
    live.exec("""
        t = PageTable.new_table(get_kernel_mmi_ref().page_table)
        own = t.create_mapping_at(VirtualAddress(0x7000000), 4096, RW)
        where = place(1, 0x7000, t.view)
        old = _memory.load64(where)
        """)
    said = poke(live, "where", "old & ~2")
    assert said[1].endswith(", for v0x7000000")
    assert said[4:] == ["no flush is owed now: this root is not the active one, and switching forgets"]
    live.exec("_memory.store64(where, old); own.drop(); t.drop()")


def test_whichever_way_leads_there(live):
    """By the recursive slot, or by a mapping of the frame: what counts is where it lies in RAM."""
    live.exec("from paging.natives import LAYOUT")
    slot = live.eval("LAYOUT['RECURSIVE_ROOT_INDEX']")
    page = live.eval("m.start.number")
    recursive = depth.root_entry(slot, (page & 2 * depth.HALF_BYTES // 4096 - 1) * 8)
    assert poke(live, recursive, "raw(1)")[1].startswith("P1[")


def test_poke_elsewhere_says_what_it_stored_and_no_more(live):
    assert poke(live, "at", 42) == [f"{live.eval('at.value'):#018x}: {42:#018x}"]
    with live.raises("PageFault"):
        live.exec("poke(0x1000, 1)")


CHANGES = {
    "another frame": ("old + 4096", "the CPU reads another frame, by the word at"),
    "nothing": ("0", "the CPU still reads 0x2a there"),
    "read-only": ("old & ~2", "the CPU still writes there"),
}


@POKES
@pytest.mark.parametrize("change", CHANGES)
def test_what_the_tlb_should_have_forgotten_is_stale(live, change):
    """Until it is flushed; and nothing that lies there was changed."""
    entry, words = CHANGES[change]
    live.exec(
        on_target.source("large_tlb") + "\npoke(at, 42); old = raw(1); where = place(1)\nstale(at); stale(0x1000)"
    )
    live.exec(f"grow_tlb(); poke(at, 42); _memory.store64(where, {entry}); found = stale(at)")
    assert live.eval("found.is_stale")
    said = live.eval("lines(found)")
    assert words in said[0]
    assert said[2].startswith("flush v0x")
    live.exec("flush(at); found = stale(at)")
    assert live.eval("found.is_stale") is False
    assert " the TLB and the tables agree: " in live.eval("lines(found)[0]")
    live.exec("_memory.store64(where, old); flush()")
    frame = live.eval("old >> 12 & (1 << 40) - 1")
    assert live.guest.memory.read(frame << 12, 8192) == (42).to_bytes(8, "little") + bytes(8184)


def test_flush_takes_an_address_or_nothing(live):
    with live.raises("NonCanonicalAddress"):
        live.exec("flush(1 << 63)")
    assert live.eval("(lines(flush(at)), lines(flush()))") == (
        [f"the TLB has forgotten the page of v{live.eval('at.value'):#x}"],
        ["the TLB has forgotten everything"],
    )
