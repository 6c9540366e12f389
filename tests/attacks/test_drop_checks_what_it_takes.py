"""A mapping gives back what it took, and nothing else: an entry that is not its own any more is MappingDamaged.

The paging layer may change an owned page behind its owner's back. When the owner is dropped then, the frame that its
entry names belongs to somebody else, to nobody, or does not exist: nothing is given back, and nothing has changed.
"""

import pytest

SETUP = """
m = create_mapping(8 * 4096, WRITE, huge=False)
other = create_mapping(8 * 4096, WRITE, huge=False)
big, other_big = create_mapping(2 << 20, WRITE), create_mapping(2 << 20, WRITE)
spare = memory.allocate_frames(1)
lent = memory.allocate_frames(4)
frames = Frames(lent)
mapper = OffsetPageTable()
def frame_of(mapping, n=0):
    return mapper.translate_page(mapping.start + n)
def entry_of(mapping, n=0):
    return raw(*place((mapping.start + n).start_address.value, 1))
def replace(page, frame, flags):
    "Unmap a page by the paging layer and map a frame there."
    mapper.unmap(page)[2].flush()
    mapper.map_to(page, frame, flags, frames)
def store(mapping, n, value, level=1):
    set_entry((mapping.start + n).start_address.value, level, value)
def large(mapping):
    "The huge page that a mapping consists of, and its frame."
    page = Page.from_start_address(mapping.start_address, Page2M)
    return page, mapper.translate_page(page)
def swap():
    one, two = frame_of(m, 3), frame_of(other, 3)
    replace(m.start + 3, two, OWNED)
    replace(other.start + 3, one, OWNED)
"""

DAMAGES = {
    "another owner's frame": "replace(m.start + 3, frame_of(other), DATA)",
    "another owner's frame, said to be exclusive": "replace(m.start + 3, frame_of(other), OWNED)",
    "a frame that is free": "freed = spare.start; spare.drop(); replace(m.start + 3, freed, OWNED)",
    "a frame that somebody owns and mapped nowhere": "replace(m.start + 3, spare.start, OWNED)",
    "the frame of a page table": "replace(m.start + 3, Frame(place(m.start_address.value, 1)[0]), OWNED)",
    "a frame of a device": "replace(m.start + 3, Frame(0xfee00), OWNED)",
    "one of its own frames twice": "replace(m.start + 3, frame_of(m, 4), OWNED)",
    "the frames of two owners swapped": "swap()",
    "EXCLUSIVE missing": "mapper.update_flags(m.start + 3, DATA).flush()",
    "EXCLUSIVE missing in the first": "mapper.update_flags(m.start, DATA).flush()",
    "EXCLUSIVE missing in the last": "mapper.update_flags(m.start + 7, DATA).flush()",
    "a reserved bit in the leaf": "store(m, 3, entry_of(m, 3) | 1 << 51)",
    "a frame beyond physical addresses": "store(m, 3, entry_of(m, 3) | 0xff << 44)",
    "not present": "store(m, 3, entry_of(m, 3) & ~1)",
    "emptied": "mapper.unmap(m.start + 3)[2].flush()",
}
HUGE_DAMAGES = {
    "another huge page": "frame = large(other_big)[1]; replace(large(big)[0], frame, OWNED)",
    "EXCLUSIVE missing": "mapper.update_flags(large(big)[0], DATA).flush()",
    "a reserved bit": "store(big, 0, raw(*place(big.start_address.value, 2)) | 1 << 51, 2)",
    "a bit of the offset": "store(big, 0, raw(*place(big.start_address.value, 2)) | 1 << 13, 2)",
    "a table of somebody's pages": """
        page, own = large(big)
        mapper.unmap(page)[2].flush()
        first = large(other_big)[1].number
        mapper.map_range(big.range, FrameRange.from_numbers(first, first + 511), OWNED, frames, largest=Page4K)
        """,
    "a table that is not there": "store(big, 0, 0x7f00000003, 2)",
}
MEND_A_TABLE = """
mapper.unmap_range(big.range)[1].flush()
mapper.clean_up_range(big.range, frames)
mapper.map_to(page, own, OWNED, frames)
"""
ENDS = ["drop()", "unmap_into_parts()"]


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


@pytest.mark.parametrize("what", DAMAGES)
def test_a_page_that_was_replaced_is_not_given_back(kernel, what):
    """Whose frame would be freed if drop() believed the entry?"""
    kernel.exec("""
        def entries():
            return [[entry_of(mapping, n) for n in range(8)] for mapping in (m, other)]
        def mend():
            for mapping, values in zip((m, other), kept):
                for n, value in enumerate(values):
                    store(mapping, n, value)
        kept = entries()
        """)
    kernel.exec(DAMAGES[what])
    for end in ENDS:
        said = kernel.refuses(f"m.{end}", ["MappingDamaged"])
        page = {"first": 0, "last": 7}.get(what.split()[-1], 3)
        assert kernel.text(f"m.start + {page}") in said, "the message names the page"
    kernel.exec("mend()\nm.drop(); other.drop(); big.drop(); other_big.drop(); lent.drop()")
    kernel.exec("if spare: spare.drop()\ndel m, other, big, other_big, spare, lent")
    kernel.adds_up()


@pytest.mark.parametrize("what", HUGE_DAMAGES)
def test_a_huge_page_that_was_replaced_is_not_given_back(kernel, what):
    """The same for 512 frames at once."""
    kernel.exec("kept = raw(*place(big.start_address.value, 2))")
    kernel.exec(HUGE_DAMAGES[what])
    for end in ENDS:
        kernel.refuses(f"big.{end}", ["MappingDamaged"] + (["InvalidFrameAddress"] if "not there" in what else []))
    kernel.exec(MEND_A_TABLE if "somebody" in what else "store(big, 0, kept, 2)")
    kernel.exec("big.drop(); other.drop(); m.drop(); other_big.drop(); lent.drop(); spare.drop()")
    kernel.exec("del m, other, big, other_big, spare, lent")
    kernel.adds_up()


@pytest.mark.parametrize("what", ["another owner's frame", "a frame of a device", "a reserved bit in the leaf"])
def test_a_damaged_mapping_that_was_forgotten_gives_nothing_back(kernel, what):
    """The collector can't ask anybody: does it leave alone what it can't know to be the mapping's?"""
    kernel.exec(DAMAGES[what])
    before = kernel.eval("(counts()[0], counts()[1])")
    kernel.exec("victim = frame_of(other).start_address\ndel m")
    after = kernel.eval("(counts()[0], counts()[1])")
    assert after[0][0] <= before[0][0] + 7, "at most the seven frames that are its own came back"
    assert kernel.eval("refused(memory.allocate_frames_at, victim, 1)") == "AddressInUse"
    assert kernel.eval("_memory.load64(other.start_address.value)") == 0
    assert kernel.eval("_critical.depth()") == 0


@pytest.mark.parametrize("order", ["the runs", "all pages"])
def test_runs_in_another_order_are_not_what_the_owner_was_given(kernel, order):
    """Two mappings of two runs each, alike but for the frames, exchange them: as many runs, each as long as before."""
    kernel.exec(f"""
        def of_two_runs():
            pages = memory.allocate_pages(4)
            low, high = pages.split(pages.start + 2)
            first, gap, second = memory.allocate_frames(2), memory.allocate_frames(1), memory.allocate_frames(2)
            made = K.map_allocated_pages_to(low, first, WRITE)
            made.merge(K.map_allocated_pages_to(high, second, WRITE))
            return made, gap
        (mine, gap), (yours, other_gap) = of_two_runs(), of_two_runs()
        assert len(mine.frames()) == len(yours.frames()) == 2
        both = [entry_of(owner, n) for owner in (mine, yours) for n in range(4)]
        shift = 2 if {order!r} == "the runs" else 4
        def put(values):
            for n, value in enumerate(values):
                store((mine, yours)[n // 4], n % 4, value)
        put(both[shift:] + both[:shift])
        """)
    for call in ("mine.drop()", "yours.drop()", "mine.remap(READ)", "mine.frames()", "mine.unmap_into_parts()"):
        kernel.refuses(call, ["MappingDamaged"])
    kernel.exec("""
        put(both)
        for owner in (mine, yours, gap, other_gap, m, other, big, other_big, lent, spare): owner.drop()
        del mine, yours, gap, other_gap, m, other, big, other_big, lent, spare, owner
        """)
    kernel.adds_up()


@pytest.mark.parametrize("pages", [1, 3])
def test_every_bit_that_is_not_the_owners_counts(kernel, pages):
    """Any bit of any entry, but the two that the CPU sets: one page and a few have a quick way of their own."""
    kernel.exec(f"few = create_mapping({pages} * 4096, WRITE, huge=False)")
    kernel.exec(f"values = [entry_of(few, n) for n in range({pages})]")
    before = kernel.state()
    bits = [bit for bit in range(64) if bit not in (5, 6)]
    for n in range(pages):
        kernel.exec(f"""
            answers = []
            for bit in {bits}:
                store(few, {n}, values[{n}] ^ 1 << bit)
                answers.append(refused(few.drop))
                store(few, {n}, values[{n}])
            """)
        assert kernel.eval("answers") == ["MappingDamaged"] * len(bits), f"page {n}"
    kernel.is_as(before, after="refused drops")
    kernel.exec("for owner in (few, m, other, big, other_big, lent, spare): owner.drop()")
    kernel.exec("del few, m, other, big, other_big, lent, spare, owner")
    kernel.adds_up()


@pytest.mark.parametrize("beside", [1, 2, 256])
def test_a_huge_page_that_begins_elsewhere_is_not_what_the_owner_was_given(kernel, beside):
    """512 pages that begin inside of a huge page's place; the huge page leads to the right frame, but from there on."""
    kernel.exec(f"""
        pages = memory.allocate_pages_at(VirtualAddress(0x6000_0000_0000 + {beside} * 4096), 512)
        place_of_big, run = big.unmap_into_parts()
        place_of_big.drop()
        mine = K.map_allocated_pages_to(pages, run[0], WRITE, huge=False)
        table = raw(*place(mine.start_address.value, 2))
        store(mine, 0, entry_of(mine) | 1 << 7, 2)
        """)
    for end in ENDS:
        kernel.refuses(f"mine.{end}", ["MappingDamaged"])
    kernel.exec("store(mine, 0, table, 2)\nmine.drop(); m.drop(); other.drop(); other_big.drop()")
    kernel.exec("lent.drop(); spare.drop(); del m, other, big, other_big, spare, lent, pages, place_of_big, run, mine")
    kernel.adds_up()
