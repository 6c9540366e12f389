"""Every subset of the flag bits, at every level, through every change: the raw entry says exactly what was asked for.

PAT is what gives faults away: bit 7 of a level-1 entry, bit 12 of a huge page's, where bit 7 is the size. Each subset
gets a page of its own; after each change a walk over raw RAM that knows nothing of the kernel reads all of them.
"""

import on_target
import pytest
from harness import depth
from oracle import page_walk

CODE = on_target.source("attacks/every_flag")
SLOT = 60
BASE = depth.root_entry(SLOT)
FRAMES_FROM = 16 << 30
# Bits of an entry in the order of BITS in on_target/attacks/every_flag.py; PAT's place depends on the level.
W, U, PWT, PCD, ACCESSED, DIRTY, GLOBAL, NX = (1 << bit for bit in (1, 2, 3, 4, 5, 6, 8, 63))
EXCLUSIVE, PRESENT, HUGE = 1 << 55, 1, 1 << 7
SIZES = {1: 1 << 12, 2: 1 << 21, 3: 1 << 30}
LEVELS = [1, 2, 3]


def entry(n, level, key, frame=None, leaf_level=None):
    """Return the entry that maps page n with the n-th subset: at leaf_level when the page was divided."""
    leaf_level = leaf_level or level
    pat = 1 << 7 if leaf_level == 1 else 1 << 12
    bits = [W, U, PWT, PCD, ACCESSED, DIRTY, GLOBAL, pat, NX]
    value = PRESENT | key << 59 | (HUGE if leaf_level > 1 else 0)
    value |= sum(bit for i, bit in enumerate(bits) if n >> i & 1)
    return value | (FRAMES_FROM + n * SIZES[level] if frame is None else frame)


def owned(n, level, key, **place):
    """The same for a mapping with an owner: what the CPU sets is not asked for, and the entry owns its frame."""
    return entry(n, level, key, **place) & ~(ACCESSED | DIRTY) | EXCLUSIVE


def leaves(kernel):
    """Return {virtual address: (level, raw entry)} of the region, from raw RAM."""
    walk = page_walk.walk(kernel.cr3(), kernel.guest.memory, top_slots=(SLOT,))
    return {leaf.va: (leaf.level, leaf.raw) for leaf in walk}


def compare(kernel, expected, what):
    """Every page is mapped by exactly the entry that belongs to it."""
    found = leaves(kernel)
    wrong = [
        f"page {n}: {raw:#x}, found {found.get(va)[1] if va in found else 0:#x}"
        for n, (va, level, raw) in enumerate(expected)
        if found.get(va) != (level, raw)
    ]
    assert not wrong, f"{what}: {len(wrong)} of {len(expected)} entries are wrong; {'; '.join(wrong[:3])}"
    assert len(found) == len(expected), what


def whole(level, key, value):
    return [(BASE + n * SIZES[level], level, value(n, level, key)) for n in range(512)]


@pytest.fixture
def kernel(attacked):
    attacked.exec(CODE)
    return attacked


PAGING = ["update_flags", "update_flags_range", "set_flags", "unmap_and_map"]


def to_the_complement(n, level, key):
    return entry(n ^ 511, level, key, frame=FRAMES_FROM + n * SIZES[level])


@pytest.mark.parametrize("level", LEVELS)
def test_the_paging_layer_writes_what_it_was_asked_for(kernel, level):
    """map, update_flags, set_flags, unmap and map again; each from the subset to its complement and back."""
    kernel.exec(f"prepare({level}, 0)\neach(map_range); find_leaves()")
    compare(kernel, whole(level, 0, entry), f"map_range at level {level}")
    kernel.exec(f"each(unmap); frames.out and finish(); prepare({level}, 10)\neach(map_to); find_leaves()")
    compare(kernel, whole(level, 10, entry), f"map_to at level {level}")
    kernel.exec("wrong = []; each(told)")
    assert kernel.eval("wrong[:3]") == [], "translate() says something else"
    for change in PAGING:
        kernel.exec(f"each(lambda n, flags: {change}(n, SUBSETS[n ^ 511]))")
        there = entry if change == "unmap_and_map" else to_the_complement
        compare(kernel, whole(level, 10, there), f"{change} at level {level}, to the complement")
        kernel.exec(f"each({change})")
        compare(kernel, whole(level, 10, entry), f"{change} at level {level}")
    kernel.exec("each(lambda n, flags: update_flags_but_keep(n, SUBSETS[n ^ 511]))")
    kept = ACCESSED | DIRTY | NX | (1 << 7 if level == 1 else 1 << 12)
    both = whole(level, 10, lambda *at: to_the_complement(*at) | entry(*at) & kept)
    compare(kernel, both, f"update_flags with what is to be kept at level {level}")
    kernel.exec("each(unmap)\nfinish()")
    kernel.adds_up()


def owned_complement(n, level, key):
    return owned(n ^ 511, level, key, frame=FRAMES_FROM + n * SIZES[level])


@pytest.mark.parametrize("level", LEVELS)
def test_owned_mappings_say_what_they_were_asked_for(kernel, level):
    """map, remap, unmap_into_parts and map again: ACCESSED and DIRTY are the CPU's, and stay when others change."""
    kernel.exec(f"prepare({level}, 10)\nown(); each(own_one)")
    compare(kernel, whole(level, 10, owned), f"map at level {level}")
    kernel.exec("each(marked); each(remap_to_the_other)")
    marked = whole(level, 10, lambda *at: owned_complement(*at) | ACCESSED | DIRTY)
    compare(kernel, marked, f"remap at level {level}, to the complement")
    kernel.exec("each(remap)")
    compare(kernel, whole(level, 10, lambda *at: owned(*at) | ACCESSED | DIRTY), f"remap at level {level}")
    kernel.exec("each(into_parts_and_back)")
    compare(kernel, whole(level, 10, owned), f"unmap_into_parts and map at level {level}")
    kernel.exec("each(drop)\nlent.drop()\ndel mappings, pages, devices, lent")
    assert leaves(kernel) == {}
    kernel.adds_up()


@pytest.mark.parametrize("level", [2, 3])
def test_a_huge_page_that_is_divided_keeps_every_flag_in_its_place(kernel, level):
    """split() divides a huge page, merge() joins the owners, remap() changes the parts: is PAT where it belongs?"""
    kernel.exec(f"prepare({level}, 5)\nown(); each(own_one); each(marked); each(split_and_merge)")
    compare_parts(kernel, level, lambda n: n, "split and merge")
    kernel.exec("each(remap_to_the_other)")
    compare_parts(kernel, level, lambda n: n ^ 511, "remap of what was divided")
    kernel.exec("each(drop)\nlent.drop()\ndel mappings, pages, devices, lent")
    assert leaves(kernel) == {}
    kernel.adds_up()


def compare_parts(kernel, level, subset, what):
    """The first, the last and the middle small page of each that was divided, and one below the middle of a giant."""
    cr3, small, wrong = kernel.cr3(), SIZES[level - 1], []
    for n in range(512):
        start, frame = BASE + n * SIZES[level], FRAMES_FROM + n * SIZES[level]
        parts = [(part * small, level - 1) for part in (0, 255, 257, 511)]
        parts += [(256 * small, 1), (257 * small - 4096, 1)]
        for offset, leaf_level in parts:
            expected = owned(subset(n), level, 5, frame=frame + offset, leaf_level=leaf_level) | ACCESSED | DIRTY
            path = page_walk.path_to(cr3, kernel.guest.memory, start + offset)
            if (path[-1], depth.LEVELS + 1 - len(path)) != (expected, leaf_level):
                wrong.append(f"page {n} + {offset:#x}: {expected:#x}, found {path[-1]:#x}")
    assert not wrong, f"{what} at level {level}: {len(wrong)} entries are wrong; {'; '.join(wrong[:3])}"
