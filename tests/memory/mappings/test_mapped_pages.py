"""Mappings with an owner: map, remap, merge, split, copy, unmap; zero at first, and nobody else's afterwards."""

import pytest
from harness import Kernel
from on_target import source
from oracle import page_walk

PAGE = 4096


def cr3_of(kernel):
    return kernel.eval("PageTable.from_current().root") * PAGE


def leaf_of(kernel, address):
    return page_walk.translate(cr3_of(kernel), kernel.guest.memory, address)


def test_a_new_mapping_is_zero_and_keeps_what_is_written(owned):
    owned.exec("my = memory.create_mapping(3 * 4096, WRITE)\nwrite(my, 5000, b'hello')")
    assert owned.eval("read(my, 4998, 9)") == b"\0\0hello\0\0"
    address = owned.eval("my.start_address.value") + 5000
    pa = leaf_of(owned, address).pa + address % PAGE
    assert owned.guest.memory.read(pa, 5) == b"hello"
    owned.exec("my.drop()")
    assert leaf_of(owned, address) is None


def test_frames_come_back_zero_after_they_held_something(owned):
    # B26: a frame's old contents never reach its next owner.
    owned.exec(
        "my = memory.create_mapping(64 * 4096, WRITE)\n"
        "write(my, 0, b'secret' * 40000)\n"
        "frames = [f.start.number for f in my.frames()]\n"
        "my.drop()"
    )
    owned.exec("my = memory.create_mapping(64 * 4096, READ)")
    assert owned.eval("[f.start.number for f in my.frames()] == frames")
    assert owned.eval("read(my, 0, 64 * 4096) == bytes(64 * 4096)")
    owned.exec("my.drop()")


def test_table_frames_of_the_past_are_zero_when_they_are_mapped(owned):
    owned.exec(
        """
        my = memory.create_mapping(700 * 4096, WRITE, huge=False)
        my.drop()
        my = memory.create_mapping(720 * 4096, WRITE, huge=False)
        """
    )
    assert owned.eval("read(my, 0, 720 * 4096) == bytes(720 * 4096)")
    owned.exec("my.drop()")


def test_given_frames_are_mapped_in_order(owned):
    owned.exec(
        "f = memory.allocate_frames(5)\n"
        "first = f.start_address.value\n"
        "my = table.map_allocated_pages_to(memory.allocate_pages(5), f, WRITE)"
    )
    start, first = owned.eval("(my.start_address.value, first)")
    assert [leaf_of(owned, start + i * PAGE).pa for i in range(5)] == [first + i * PAGE for i in range(5)]
    assert owned.eval("bool(f)") is False
    owned.exec("my.drop()")


def test_huge_pages_are_used_where_both_sides_allow(owned):
    owned.exec("my = memory.create_mapping(6 << 20, WRITE)")
    start = owned.eval("my.start_address.value")
    assert [leaf_of(owned, start + i * (2 << 20)).level for i in range(3)] == [2, 2, 2]
    owned.exec("my.drop()\nmy = memory.create_mapping(6 << 20, WRITE, huge=False)")
    assert leaf_of(owned, owned.eval("my.start_address.value")).level == 1
    owned.exec("my.drop()")


def test_remap_changes_rights_and_keeps_accessed_dirty_exclusive(owned):
    owned.exec("my = memory.create_mapping(2 * 4096, WRITE)\nwrite(my, 0, b'x')")
    address = owned.eval("my.start_address.value")
    before = leaf_of(owned, address).raw
    assert before >> 5 & 3 == 3
    owned.exec("my.remap(READ)")
    after = leaf_of(owned, address).raw
    assert before & ~2 == after
    assert after >> 55 & 1
    with owned.raises("PageFault", "write"):
        owned.exec("import _memory\n_memory.store8(my.start_address.value, 1)")
    owned.exec("my.remap(RUN)")
    assert leaf_of(owned, address).executable
    owned.exec("my.drop()")


@pytest.mark.parametrize(("pages", "rounds"), [(1, 25), (2, 25), (16, 5), (600, 1)])
def test_remap_and_unmap_reach_the_tlb(owned, pages, rounds):
    """Every page was touched just before: a forgotten invalidation would let the second access through.

    The TLB forgets by itself too, so it takes many rounds, and the last page goes first.
    """
    owned.exec(
        f"""
        import _memory
        def faults(access, first):
            count = 0
            for i in range({pages} - 1, -1, -1):
                try:
                    access(first + i * 4096)
                except Exception:
                    count += 1
            return count
        def store(address):
            _memory.store8(address, 7)
        def round():
            my = memory.create_mapping({pages} * 4096, WRITE, huge=False)
            first = my.start_address.value
            counts = [faults(store, first)]
            my.remap(READ)
            counts.append(faults(store, first))
            counts.append(faults(_memory.load8, first))
            my.drop()
            counts.append(faults(_memory.load8, first))
            return counts
        neighbour = memory.create_mapping(4096, WRITE)  # so that no table becomes empty, and is flushed for that
        results = [round() for _ in range({rounds})]
        neighbour.drop()
        """
    )
    assert owned.eval("results") == [[0, pages, 0, pages]] * rounds


def test_merge_and_split_give_the_same_mapping_back(owned):
    owned.exec(
        "my = memory.create_mapping(10 * 4096, WRITE)\n"
        "write(my, 4 * 4096, b'middle')\n"
        "whole = my.range\n"
        "a, b = my.split(my.start + 4)"
    )
    assert owned.eval("(len(a), len(b), bool(my), read(b, 0, 6))") == (4, 6, False, b"middle")
    owned.exec("b.merge(a)")
    assert owned.eval("(bool(a), b.range == whole, read(b, 4 * 4096, 6))") == (False, True, b"middle")
    owned.exec("a, c = b.split(b.start + 1)\nc.drop()\na.drop()")


def test_splitting_inside_a_huge_page_divides_it_and_keeps_every_byte(owned):
    owned.exec(
        "my = memory.create_mapping(4 << 20, WRITE)\n"
        "for i in range(1024):\n"
        "    write(my, i * 4096, bytes((i & 255, i >> 8)))\n"
        "a, b = my.split(my.start + 700)"
    )
    start = owned.eval("a.start_address.value")
    assert leaf_of(owned, start).level == 2
    assert leaf_of(owned, start + (2 << 20)).level == 1
    assert owned.eval("all([read(a, i * 4096, 2) == bytes((i & 255, i >> 8)) for i in range(700)])")
    assert owned.eval("all([read(b, i * 4096, 2) == bytes((i + 700 & 255, i + 700 >> 8)) for i in range(324)])")
    owned.exec("a.drop()")
    assert owned.eval("read(b, 0, 2)") == bytes((700 & 255, 700 >> 8))
    owned.exec("b.drop()")


def test_unmap_into_parts_returns_all_frames_by_runs(owned):
    # Theseus returns only the first run.
    owned.exec(
        """
        parts = [memory.allocate_frames(1) for _ in range(9)]
        numbers = [parts[i].start.number for i in (8, 0, 1, 2, 5, 4)]
        pages = memory.allocate_pages(6)
        maps = []
        rest = pages
        for i in (8, 0, 1, 2, 5):
            one, rest = rest.split(rest.start + 1)
            maps.append(table.map_allocated_pages_to(one, parts[i], WRITE))
        maps.append(table.map_allocated_pages_to(rest, parts[4], WRITE))
        my = maps[0]
        for other in maps[1:]:
            my.merge(other)
        whole = my.range
        got_pages, got = my.unmap_into_parts()
        """
    )
    assert owned.eval("got_pages.range == whole")
    assert owned.eval("[(f.start.number, len(f)) for f in got]") == owned.eval(
        "[(numbers[0], 1), (numbers[1], 3), (numbers[4], 1), (numbers[5], 1)]"
    )
    owned.exec("got_pages.drop()\nfor f in got: f.drop()\nfor i in (3, 6, 7): parts[i].drop()")


def test_a_deep_copy_has_the_bytes_and_frames_of_its_own(owned):
    owned.exec(
        "my = memory.create_mapping(3 * 4096, WRITE)\n"
        "write(my, 100, b'original')\n"
        "copy = my.deep_copy(READ)\n"
        "write(my, 100, b'changed!')"
    )
    assert owned.eval("(read(copy, 100, 8), copy.flags == READ)") == (b"original", True)
    assert owned.eval("any([a.overlap(b) is not None for a in my.frames() for b in copy.frames()])") is False
    owned.exec("copy.drop()\nmy.drop()")


def test_drop_inside_with_is_fine_and_a_second_drop_is_not(owned):
    owned.exec("with memory.create_mapping(4096, WRITE) as my:\n    my.drop()")
    with owned.raises("UseAfterMove"):
        owned.exec("my.drop()")


def test_forgotten_mappings_and_tables_come_back_at_a_safe_point(owned):
    owned.exec(
        """
        def forget():
            other = PageTable.new_table(table)
            other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x40000000), 3), WRITE)
            memory.create_mapping(30 * 4096, WRITE)
            raise ValueError
        try:
            forget()
        except ValueError:
            pass
        """
    )
    assert owned.eval("state()") == owned.eval("before")


def test_misalignment_is_an_error(owned):
    # B12
    owned.exec("my = memory.create_mapping(4096, WRITE)")
    for expression in ("my.as_slice('I', 2, 1)", "my.as_slice_mut('Q', 4, 1)"):
        with owned.raises("Misaligned"):
            owned.exec(expression)
    owned.exec("my.drop()")


# `my`, six pages in two runs of frames with a gap between them.
SEVERAL_RUNS = """
        pages = memory.allocate_pages(6)
        low, high = pages.split(pages.start + 2)
        one, gap, two = [memory.allocate_frames(count) for count in (2, 3, 4)]
        my = table.map_allocated_pages_to(low, one, WRITE)
        my.merge(table.map_allocated_pages_to(high, two, WRITE))
"""


def test_a_deep_copy_of_several_runs_of_frames_has_all_of_them(owned):
    owned.exec(
        SEVERAL_RUNS
        + """
        for page in range(6): write(my, page * 4096 + page, b'page %d' % page)
        copy = my.deep_copy()
        """
    )
    assert owned.eval("len(my.frames())") == 2
    assert owned.eval("read(copy, 0, 6 * 4096) == read(my, 0, 6 * 4096)")
    assert owned.eval("[read(copy, page * 4096 + page, 6) for page in range(6)]") == [b"page %d" % n for n in range(6)]
    owned.exec("my.drop()\ncopy.drop()\ngap.drop()")


def test_a_mapping_of_several_runs_is_split_anywhere_and_merged_again(owned):
    """Inside a run and between two, from either end; and what it is made of stays what it was."""
    owned.exec(
        SEVERAL_RUNS
        + """
        for page in range(6): write(my, page * 4096, b'page %d' % page)
        whole = [(run.start.number, len(run)) for run in my.frames()]
        seen = []
        for at in range(1, 6):
            for first in range(2):
                lower, upper = my.split(my.start + at)
                my, other = (lower, upper) if first else (upper, lower)
                my.merge(other)
                seen.append([(run.start.number, len(run)) for run in my.frames()])
                seen.append(memory.verify().violations or whole)
        """
    )
    assert owned.eval("(len(whole), len(seen), all([one == whole for one in seen]))") == (2, 20, True)
    assert owned.eval("[read(my, page * 4096, 6) for page in range(6)]") == [b"page %d" % n for n in range(6)]
    owned.exec("my.drop()\ngap.drop()")


def test_splitting_inside_a_page_of_one_gib_divides_it_twice(boot):
    """Into pages of 2 MiB, and the one at the place into pages of 4 KiB."""
    guest = boot(memory="4G")
    guest.console.wait_for_prompt()
    kernel = Kernel(guest)
    kernel.exec(source("memory/prelude"))
    kernel.exec(
        """
        before = state()
        frames = memory.allocate_frames_at(PhysicalAddress(4 << 30), 1 << 18)
        frames.mark_clean()  # clearing a GiB takes its time
        my = table.map_allocated_pages_to(memory.allocate_pages(1 << 18), frames, WRITE)
        sizes = [run.level for run in table.view.translate_range(my.range)]
        first = my.frames()[0].start.number
        write(my, (5 << 21) + 3 * 4096 - 2, b'both')
        low, high = my.split(my.start + (5 * 512 + 3))
        split = [(run.count, run.frame - first, run.level) for run in table.view.translate_range(low.range)]
        split += [(run.count, run.frame - first, run.level) for run in table.view.translate_range(high.range)]
        bytes_there = read(low, len(low) * 4096 - 2, 2) + read(high, 0, 2)
        """
    )
    assert kernel.eval("sizes") == [3]
    boundary = 5 * 512
    assert kernel.eval("split") == [
        (boundary, 0, 2),
        (3, boundary, 1),
        (509, boundary + 3, 1),
        (506 * 512, boundary + 512, 2),
    ]
    assert kernel.eval("bytes_there") == b"both"
    kernel.exec("low.drop()\nhigh.drop()")
    assert kernel.eval("(memory.verify().violations, state() == before)") == ([], True)
