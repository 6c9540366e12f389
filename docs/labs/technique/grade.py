"""Grader of lab 7: what a slot shows by the host's walk, and what the tables are after the technique changed them."""

from labs import touching
from labs.points import points
from oracle import page_walk

PRELUDE = (
    touching.PRELUDE
    + """
from memory import Frame, Page, PhysicalAddress, allocate_frames
from paging import NotMapped, OffsetPageTable, PteFlags, new_root
RW = PteFlags().writable(True)
def shown(level, at):
    if type(at) is not int:
        raise TypeError("table_at() of level %d returned %r, which is no address" % (level, at))
    return at, mem8[at] | mem8[at + 1] << 8
"""
)
PLACE = 0x2345_6789_A000
MANUAL = "kernel/paging/techniques.py: TemporaryPageTable"


def begin(student):
    """Make a technique for the active tables."""
    student.run("slots = student.SlotPageTable()")


def physical(leaf, address):
    return None if leaf is None else leaf.pa + address - leaf.va


@points(20, MANUAL)
def test_it_sees_what_the_host_sees(student):
    """translate_addr() of addresses in both halves, mapped and not, is what the host's walk finds."""
    begin(student)
    student.run(f"m = create_mapping_at(VirtualAddress({PLACE}), 3 * 4096, RW)")
    numbers = student.numbers
    leaves = list(page_walk.walk(student.root(), student.memory, student.levels))
    addresses = [leaf.va + numbers.randrange(leaf.size) for leaf in numbers.sample(leaves, 30)]
    addresses += [PLACE + offset for offset in (0, 5000, 3 * 4096)]
    found = student.value(
        f"""[answer and answer.value for answer in
        [slots.translate_addr(VirtualAddress(address)) for address in {addresses}]]""".replace("\n", " ")
    )
    for address, told in zip(addresses, found, strict=True):
        wanted = physical(student.leaf(address), address)
        told = f"p{told:#x}" if told else told
        wanted = f"p{wanted:#x}" if wanted is not None else None
        assert told == wanted, f"v{address:#x} is {told} by the technique, {wanted} by the host's walk"


@points(20, 'SDM volume 3, "Invalidation of TLBs and Paging-Structure Caches"')
def test_a_slot_shows_the_frame_asked_for(student):
    """Of one slot after the other, and of the same slot again: it leads to the frame, and the TLB knows that."""
    begin(student)
    student.run("window = slots.window.range.first_number, len(slots.window.range)\naccess = slots._open(False)")
    first, count = student.value("window")
    assert count <= 8, f"the window has {count} pages, and 8 are allowed"
    student.run(f"frames = allocate_frames({2 * student.levels + 2})")
    start = student.value("frames.start_address.value")
    slots = {}
    for turn in range(2):
        for level in range(student.levels + 1):
            frame = (start >> 12) + turn * (student.levels + 1) + level
            student.memory.write_entry(frame << 12, frame ^ 0x5A5A)
            # In one go: the CPU knows the slot from a moment ago, and what Python does between costs it translations.
            known, shows = slots.get(level, ()), f"shown({level}, access.table_at({frame}, {level}, 0))"
            at, seen = student.value(f"([mem8[slot] for slot in {list(known)}], {shows})")[1]
            at &= (1 << 64) - 1
            slots[level] = (at,)
            shown = student.leaf(at)
            assert first <= at >> 12 < first + count, f"level {level} is seen at v{at:#x}, which is no slot's address"
            assert shown is not None and shown.pa == frame << 12, (
                f"the slot of level {level} should show p{frame << 12:#x}, and shows "
                + ("nothing" if shown is None else f"p{shown.pa:#x}")
            )
            assert seen == (frame ^ 0x5A5A) & 0xFFFF, (
                f"the slot of level {level} was changed to p{frame << 12:#x}, and the CPU goes on seeing what was there"
            )
    student.run("access.close()")


@points(25, "Mapper.map_to, unmap and their flush; kernel/paging/mapper.py")
def test_it_changes_the_active_tables(student):
    """map_to, update_flags and unmap through the technique are what the MMU goes by, new tables included."""
    begin(student)
    student.run(f"""
        tables = memory.allocate_frames({student.levels + 1})
        class Frames:
            def __init__(self, frames): self.left = list(frames)
            def allocate_frame(self): return self.left.pop(0)
            def deallocate_frame(self, frame): self.left.append(frame)
        frames = memory.allocate_frames(1)
        frame, page = frames.start, Page.containing_address(VirtualAddress({PLACE}))
        lent = Frames(tables)
        slots.map_to(page, frame, RW, lent).flush()
        mem8[{PLACE} + 9] = 0x77
        """)
    leaf = student.leaf(PLACE)
    wanted = student.value("frame.start_address.value")
    assert leaf is not None and leaf.pa == wanted, f"v{PLACE:#x} should lead to p{wanted:#x} by the host's walk"
    assert leaf.writable and not leaf.executable, "the page was mapped with other rights"
    assert student.memory.read(wanted + 9, 1) == b"\x77", "what was written there is not in the frame"
    student.run("slots.update_flags(page, PteFlags()).flush()")
    assert not student.leaf(PLACE).writable, "update_flags() left the page writable"
    student.run("slots.unmap(page)[-1].flush()")
    assert student.leaf(PLACE) is None, "after unmap() the page is still mapped"


@points(20, "memory_structs: Frame; paging.new_root makes an empty root table")
def test_it_changes_tables_that_are_not_active(student):
    """The same under another root: its tables change, the active ones do not."""
    student.run(f"""
        kept = allocate_frames(1)
        root = new_root(kept.start)
        tables, frames = memory.allocate_frames({student.levels}), memory.allocate_frames(1)
        class Frames:
            def __init__(self, frames): self.left = list(frames)
            def allocate_frame(self): return self.left.pop(0)
            def deallocate_frame(self, frame): self.left.append(frame)
        lent = Frames(tables)
        slots = student.SlotPageTable(root)
        slots.map_to(Page.containing_address(VirtualAddress({PLACE})), frames.start, RW, lent).flush()
        """)
    root, wanted = student.value("(root.start_address.value, frames.start_address.value)")
    leaf = student.leaf(PLACE, root)
    assert leaf is not None and leaf.pa == wanted, f"v{PLACE:#x} should lead to p{wanted:#x} under the other root"
    assert student.leaf(PLACE) is None, "the active tables have it, too"
    found = student.value(f"slots.translate_addr(VirtualAddress({PLACE} + 5)).value")
    assert found == wanted + 5, f"translate_addr() under the other root says p{found:#x}, not p{wanted + 5:#x}"


@points(15, "Access.close() ends a call, leave() the technique; the command `verify`")
def test_it_leaves_no_trace(student):
    """After each call the slots show their own frames; after leave() they are gone, and it refuses to be used."""
    student.run("once()")
    before = student.value("free()")
    begin(student)
    student.run("first, count = slots.window.range.first_number, len(slots.window.range)")
    first, count = student.value("(first, count)")
    own = student.frames(first << 12, count)
    student.run(
        f"slots.translate_addr(VirtualAddress({touching.BASE})); slots.translate_addr(VirtualAddress(first << 12))"
    )
    assert student.frames(first << 12, count) == own, "after a call the slots show other frames than before"
    for number, frame in enumerate(own):
        student.memory.write(frame, bytes([0xA0 + number]))
    seen = student.value(f"[mem8[first + number << 12] for number in range({count})]")
    wanted = [0xA0 + number for number in range(count)]
    assert seen == wanted, "after a call the CPU goes on seeing through slots what they showed in it"
    student.run("slots.leave()")
    assert not any(student.frames(first << 12, count)), "after leave() slots are mapped"
    student.run("""
        try:
            slots.translate_addr(VirtualAddress(0))
            used = True
        except Exception:
            used = False
        """)
    assert student.value("used") is False, "after leave() it can still be used"
    student.run("del slots")
    touching.expect_nothing_lost(student, before)
