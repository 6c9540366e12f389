"""Five ways to reach tables: the same answers, and the same tables byte for byte, inactive and live."""

import re

import numpy
import pytest
from harness import depth
from on_target import source
from oracle import page_walk

TECHNIQUES = ["offset", "identity", "mapped", "temporary", "recursive"]
BASE = depth.root_entry(40)
PAGE = 4096
MARKS = 0x60
# Frames for tables hold anything before they are tables: here, entries that lead somewhere.
LITTER = "for n in range(64): entries.fill(tables.at(page_in_window(owned.start.number + n), 0), 512, 9, 3, 1)"


@pytest.fixture
def paging(kernel):
    """A kernel with the paging tests' names."""
    kernel.exec(source("paging/prelude"))
    kernel.exec(source("paging/techniques"))
    return kernel


def without_marks(text_or_bytes):
    """Return answers or tables without ACCESSED and DIRTY: through a recursive slot the CPU uses the entries of tables
    as leaves, and marks them."""
    if isinstance(text_or_bytes, list):
        return [re.sub(r" \| (ACCESSED|DIRTY)", "", text) for text in text_or_bytes]
    return (numpy.frombuffer(text_or_bytes, "<u8") & numpy.uint64(~MARKS & (1 << 64) - 1)).tolist()


def owned_entries(paging):
    """Return every entry of the owned frames, as read from outside."""
    return without_marks(paging.guest.memory.read(paging.eval("owned.start.number") * PAGE, 64 * PAGE))


def test_all_five_give_the_same_answers_and_tables_when_the_table_is_not_active(paging):
    told, tables = {}, {}
    for name in TECHNIQUES:
        paging.exec(LITTER)
        told[name] = without_marks(paging.eval(f"run_inactive({name!r})"))
        tables[name] = owned_entries(paging)
    for name in TECHNIQUES[1:]:
        assert told[name] == told["offset"], name
        assert tables[name] == tables["offset"], name
    assert len([answer for answer in told["offset"] if "Error" not in answer]) > 30
    assert any(answer.startswith("ParentEntryHugePage") for answer in told["offset"])


def test_all_five_give_the_same_answers_and_tables_on_the_live_ones(paging):
    told, found = {}, {}
    for name in TECHNIQUES:
        paging.exec(LITTER)
        before = paging.text("memory.verify()")
        told[name] = without_marks(paging.eval(f"begin_live({name!r})"))
        cr3 = paging.eval("cpu.read_cr3()")
        leaves = page_walk.walk(cr3, paging.guest.memory, top_slots=(40, 41))
        found[name] = ([leaf._replace(raw=leaf.raw & ~MARKS) for leaf in leaves], owned_entries(paging))
        paging.exec("end_live()")
        assert paging.text("memory.verify()") == before, name
    for name in TECHNIQUES[1:]:
        assert told[name] == told["offset"], name
        assert found[name] == found["offset"], name
    assert len(found["offset"][0]) > 400


@pytest.mark.parametrize("name", TECHNIQUES)
def test_choosing_and_leaving_a_technique_changes_nothing_that_stays(paging, name):
    root = paging.eval("cpu.read_root_frame()") * PAGE
    memory = paging.guest.memory
    before = paging.text("memory.verify()"), without_marks(memory.read(root, PAGE))
    paging.exec(f"with_technique({name!r}, None, lambda mapper: mapper.translate(VirtualAddress(0)))")
    after = paging.text("memory.verify()"), without_marks(memory.read(root, PAGE))
    assert before == after


@pytest.mark.parametrize("name", TECHNIQUES)
def test_no_call_leaves_the_processor_in_another_mode(paging, name):
    """Whether it did its work, was refused, or ran out of frames."""
    paging.exec("frames, none = Frames(owned), EmptyFrameAllocator()\nimport _critical")
    mode = "(cpu.read_cr0(), cpu.read_cr3(), cpu.read_cr4(), cpu.read_flags() >> 9 & 1, _critical.depth())"
    before = paging.eval(mode)
    paging.exec(f"""
        def act(mapper):
            def tried(call, *arguments):
                answer = refused(call, *arguments)
                modes.append((answer and answer[0], {mode}))
            tried(mapper.map_to, page(0x5000), frame_at(0x123000), PW, none)
            tried(mapper.map_to, page(0x5000), frame_at(0x123000), PW, frames)
            tried(mapper.map_to, page(0x5000), frame_at(0x123000), PW, frames)
            tried(lambda: mapper.update_flags(page(0x5000), P).flush())
            tried(mapper.translate, VirtualAddress(BASE + 0x5000))
            tried(lambda: mapper.unmap(page(0x5000))[2].flush())
            tried(mapper.clean_up_range, pages(0, 16), frames)
        modes = []
        with_technique({name!r}, None, act)
        """)
    answers = ["FrameAllocationFailed", None, "PageAlreadyMapped", None, None, None, None]
    assert paging.eval("modes") == [(answer, before) for answer in answers]
    assert paging.eval(mode) == before


def test_verify_is_content_while_a_technique_is_in_use(paging):
    for name in ("offset", "recursive"):
        output = paging.exec(f"with_technique({name!r}, None, lambda mapper: print(findings() == HEALTHY))")
        assert output == "True\n", name


def test_a_temporary_window_shows_nothing_between_two_calls(paging):
    paging.exec("""
        mapper = TemporaryPageTable(Frames(spare))
        mapper.translate(VirtualAddress(0xffffffff80000000))
        """)
    slots = paging.eval("[tables.entry_frame(page_of_root_entry(508), n) for n in range(8)]")
    own, *others = slots
    assert own != 0
    assert others == [0] * 7
    paging.exec("mapper.leave()")


def test_several_temporary_windows_are_open_side_by_side(paging):
    """Each sees the tables through a window of its own; the first one goes first."""
    paging.exec("""
        frames = Frames(spare)
        mappers = [TemporaryPageTable(frames) for _ in range(3)]
        seen = [[mapper.translate(VirtualAddress(at)) for mapper in mappers] for at in (0xffffffff80000000, 0x1000)]
        answers = [len(set([str(each) for each in row])) for row in seen]
        windows = len(set([mapper.window for mapper in mappers]))
        mappers.pop(0).leave()
        seen = [str(mapper.translate(VirtualAddress(0xffffffff80000000))) for mapper in mappers]
        expected = str(OffsetPageTable().translate(VirtualAddress(0xffffffff80000000)))
        """)
    assert paging.eval("(answers, windows, [each == expected for each in seen])") == ([1, 1], 3, [True, True])
    paging.exec("for mapper in mappers: mapper.leave()")
    assert paging.eval("findings() == HEALTHY")


def test_a_recursive_mapper_of_an_inactive_table_ends_with_its_slot(paging):
    paging.exec("""
        frames = Frames(owned)
        other = new_root(frames.allocate_frame())
        mapper = RecursivePageTable(other)
        mapper.map_to(page_at(0x5000), frame_at(0x9000), PW, frames)
        mapper.leave()
        """)
    assert paging.text("OffsetPageTable(other).translate_page(page_at(0x5000))") == "Frame(p0x9000)"
    assert paging.eval("tables.next_used(page_in_window(other.number), 1)") == 512, "its root keeps no trace"
    assert paging.eval("refused(mapper.map_to, page_at(0x6000), frame_at(0x9000), PW, frames)")[0] in (
        "PageFault",
        "TechniqueUnavailable",
    )


def test_two_recursive_mappers_of_inactive_tables_are_refused(paging):
    paging.exec("""
        frames = Frames(owned)
        one, two = [new_root(frames.allocate_frame()) for _ in range(2)]
        first = RecursivePageTable(one)
        """)
    assert paging.eval("refused(RecursivePageTable, two)")[0] == "TechniqueUnavailable"
    paging.exec("first.leave(); RecursivePageTable(two).leave()")


def test_what_a_frame_to_page_function_raises_goes_through_and_nothing_has_changed(paging):
    paging.exec("""
        frames = Frames(owned)
        root = new_root(frames.allocate_frame())
        asked = []
        def frame_to_page(frame):
            asked.append(frame)
            if len(asked) > limit:
                raise RuntimeError("no way there")
            return page_in_window(frame)
        mapper = MappedPageTable(frame_to_page, root)
        """)
    for limit in (0, 1, 2, 3):
        paging.exec(f"asked.clear(); limit = {limit}")
        answer = paging.eval("refused(mapper.map_to, page_at(0x5000), frame_at(0x9000), PW, frames)")
        assert answer == ("RuntimeError", "no way there")
        assert paging.eval("(frames.out, tables.next_used(page_in_window(root.number), 0))") == (1, 512)
    paging.exec("limit = 100; mapper.map_to(page_at(0x5000), frame_at(0x9000), PW, frames)")
    assert paging.text("OffsetPageTable(root).translate_page(page_at(0x5000))") == "Frame(p0x9000)"


@pytest.mark.parametrize("flags", ["P | NX", "NONE"])
def test_a_function_that_names_pages_where_tables_cannot_be_written_changes_nothing(paging, flags):
    """The fault comes before the first change, for tables that exist as for those to come."""
    paging.exec(f"""
        live, lent = OffsetPageTable(), Frames(spare)
        frames = Frames(owned)
        root = new_root(frames.allocate_frame())
        first = owned.start.number
        mapped = PageRange.from_numbers(SEEN_AT, SEEN_AT + 63)
        live.map_range(mapped, FrameRange.from_numbers(first, first + 63), PW | NX, lent)
        mapper = MappedPageTable(lambda frame: SEEN_AT + frame - first, root)
        def try_without(place):
            "Take the right to write one table's page away, try, and give it back."
            live.update_flags(Page(SEEN_AT + place), {flags}).flush()
            answer = refused(mapper.map_to, page_at(0x5000), frame_at(0x9000), PW, frames)
            live.update_flags(Page(SEEN_AT + place), PW | NX).flush() if ({flags}).is_valid() else (
                live.clear(Page(SEEN_AT + place)),
                live.map_to(Page(SEEN_AT + place), Frame(first + place), PW | NX, lent))
            return answer
        """)
    for place in range(depth.LEVELS):
        before = paging.guest.memory.read(paging.eval("first") * PAGE, 64 * PAGE)
        name, _ = paging.eval(f"try_without({place})")
        assert name == "PageFault"
        after = paging.guest.memory.read(paging.eval("first") * PAGE, 64 * PAGE)
        assert without_marks(after) == without_marks(before)
        assert paging.eval("frames.out") == 1
    paging.exec("mapper.map_to(page_at(0x5000), frame_at(0x9000), PW, frames)")
    before = paging.guest.memory.read(paging.eval("first") * PAGE, 64 * PAGE)
    assert paging.eval("frames.out") == depth.LEVELS


def test_a_technique_that_cannot_be_had_says_why_and_installs_nothing(paging):
    root = paging.eval("cpu.read_root_frame()") * PAGE
    before = without_marks(paging.guest.memory.read(root, PAGE))
    name, message = paging.eval("refused(TemporaryPageTable, Frames(spare, 1))")
    assert name == "FrameAllocationFailed"
    assert f"needs {depth.LEVELS - 2} frames for tables, the frame allocator had 1" in message
    assert without_marks(paging.guest.memory.read(root, PAGE)) == before
    paging.exec("""
        frames, live = Frames(owned), OffsetPageTable()
        live.map_to(page_at(0x5000), frame_at(0x9000), PW, frames)
        """)
    name, message = paging.eval("refused(IdentityPageTable)")
    assert name == "TechniqueUnavailable"
    assert "lower half are in use" in message
    paging.exec("live.unmap(page_at(0x5000))[2].flush()\nlive.clean_up(frames)")
    assert without_marks(paging.guest.memory.read(root, PAGE)) == before


def test_leaving_twice_is_leaving_once(paging):
    root = paging.eval("cpu.read_root_frame()") * PAGE
    before = without_marks(paging.guest.memory.read(root, PAGE))
    for make in ("OffsetPageTable()", "IdentityPageTable()", "TemporaryPageTable(lent)", "RecursivePageTable()"):
        paging.exec(f"lent = Frames(spare)\nwith {make} as mapper: mapper.translate(VirtualAddress(0))\nmapper.leave()")
        assert paging.eval("lent.out") == 0
    assert without_marks(paging.guest.memory.read(root, PAGE)) == before


def test_the_identity_mapping_itself_is_not_for_mapping(paging):
    paging.exec("mapper = IdentityPageTable()")
    name, message = paging.eval("refused(mapper.map_to, page_at(0x5000), frame_at(0x9000), PW, Frames(owned))")
    assert name == "KernelInUse"
    assert "the identity mapping" in message
    paging.exec("mapper.leave()")
