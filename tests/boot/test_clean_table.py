"""The kernel boots onto a clean table of its own: rights, guard pages, aliases, and nothing left of the loader's."""

import pytest
from harness import Kernel, depth
from on_target import source
from oracle import page_walk

PRELUDE = source("memory/prelude")
PAGE = 4096
POOL, TECHNIQUE, RECURSIVE = 384, 508, 510
FREE_RUNS = "[run[:2] for run in memory.frame_allocator.pool.runs()]"
WINDOW = depth.WINDOW


@pytest.fixture
def owned(kernel):
    kernel.exec(PRELUDE)
    return kernel


def cr3_of(kernel):
    return kernel.eval("__import__('_cpu').read_root_frame()") * PAGE


def leaves(kernel, slots=None):
    """Return what an independent walk over guest RAM finds, without the recursive slot."""
    slots = [index for index in range(512) if index != RECURSIVE] if slots is None else slots
    return list(page_walk.walk(cr3_of(kernel), kernel.guest.memory, top_slots=slots))


def right_of(leaf):
    return ("r", "w" if leaf.writable else "-", "x" if leaf.executable else "-")


def test_verify_finds_nothing_after_boot(owned):
    audit = owned.text("memory.verify()")
    assert "nothing to complain of" in audit, audit
    assert owned.eval("(memory.verify().violations, memory.verify().unowned)") == ([], [])


def test_every_frame_of_ram_is_in_exactly_one_state(owned):
    """And the states are what they are called: counted here, over the loader's map and the tables in RAM."""
    owned.exec("mine = memory.create_mapping(700 * 4096, WRITE)")
    names = ("free", "allocated", "mapped", "unmapped", "tables", "reserved", "total")
    counts = owned.eval(f"[getattr(memory.frame_allocator.statistics(), name) for name in {names}]")
    told = dict(zip(names, counts, strict=True))
    ram = set(range(256))  # the first MiB counts as RAM
    for start, end, kind in owned.eval("__import__('_boot').memory_map()"):
        if kind in (1, 3, 4, 5):
            ram |= set(range(start // PAGE, -(-end // PAGE)) if kind != 1 else range(-(-start // PAGE), end // PAGE))
    assert told["total"] == len(ram)
    tables = {at // PAGE for at in page_walk.table_frames(cr3_of(owned), owned.guest.memory)}
    assert told["tables"] == len(tables)
    pool = [leaf for leaf in leaves(owned, slots=range(POOL, TECHNIQUE))]
    mapped = {(leaf.pa + at) // PAGE for leaf in pool for at in range(0, leaf.size, PAGE)}
    assert told["mapped"] == len(mapped) >= 700
    assert not mapped & tables
    assert told["allocated"] == told["unmapped"] == 0
    free = {first + n for first, count in owned.eval(FREE_RUNS) for n in range(count)}
    assert told["free"] == len(free)
    assert not free & (mapped | tables)
    assert told["reserved"] == len(ram - free - mapped - tables)


@pytest.mark.parametrize("memory", ["32M", "128M", "5G"])
def test_no_address_is_writable_and_executable_and_no_alias_makes_it_so(boot, memory):
    guest = boot(memory=memory)
    guest.console.wait_for_prompt(20)
    kernel = Kernel(guest)
    # Code of the emitters lies in memory of its own by now: written through one mapping, executed through another?
    kernel.exec("@micropython.native\ndef double(n):\n    return n + n\nassert double(21) == 42")
    found = leaves(kernel)
    both = [leaf for leaf in found if leaf.writable and leaf.executable]
    assert both == []
    executable = {pa for leaf in found if leaf.executable for pa in range(leaf.pa, leaf.pa + leaf.size, PAGE)}
    aliases = [
        hex(leaf.va)
        for leaf in found
        if leaf.writable
        for pa in (executable if leaf.size > PAGE else {leaf.pa} & executable)
        if leaf.pa <= pa < leaf.pa + leaf.size
    ]
    assert executable
    assert aliases == []


def test_sections_have_their_own_rights_and_no_more(owned):
    sections = owned.eval("[(s.name, s.first_page, s.count, s.rights) for s in memory.BootInfo().sections]")
    guards = set(owned.eval("[page for page in memory.BootInfo().guard_pages]"))
    by_page = {page: leaf for leaf in leaves(owned, [511]) for page in range(leaf.va >> 12, leaf.va + leaf.size >> 12)}
    expected = {}
    for name, first, count, rights in sections:
        for page in range(first, first + count):
            if page not in guards:
                expected[page] = (name, tuple(rights))
    assert {page: right_of(leaf) for page, leaf in by_page.items()} == {
        page: found[1] for page, found in expected.items()
    }
    assert guards
    assert not guards & set(by_page)


def test_the_window_shows_all_memory_and_the_image_read_only(owned):
    first, end = owned.eval(
        "(lambda b: (min(s.first_frame for s in b.sections), b.image[1] + 4095 >> 12))(memory.BootInfo())"
    )
    [(heap, pages)] = owned.eval("[(s.first_frame, s.count) for s in memory.BootInfo().sections if s.name == 'heap']")
    shown = 0
    for leaf in leaves(owned, range(256, 384)):
        assert leaf.va - WINDOW == leaf.pa
        assert not leaf.executable
        inside = first * PAGE <= leaf.pa < end * PAGE or heap * PAGE <= leaf.pa < (heap + pages) * PAGE
        assert leaf.writable == (not inside), hex(leaf.va)
        shown += leaf.size
    assert shown == 4 << 30


def test_window_recursive_slot_and_technique_slots_cannot_execute(owned):
    root = page_walk.read_table(owned.guest.memory, cr3_of(owned))
    for index in [*range(256, 384), 508, RECURSIVE]:
        assert int(root[index]) & page_walk.NO_EXECUTE, index
    assert int(root[RECURSIVE]) & page_walk.ADDRESS_MASK == cr3_of(owned)


def test_all_upper_entries_exist_from_the_start(owned):
    root = page_walk.read_table(owned.guest.memory, cr3_of(owned))
    assert [index for index in range(256, 512) if not int(root[index]) & 1] == [509]
    assert not any(int(entry) & 1 for entry in root[:256])


def test_page_0_and_the_identity_mappings_are_gone(owned):
    for address in (0, 0x1000, 0x100000, 0xB8000):
        with owned.raises("PageFault"):
            owned.exec(f"import _memory\n_memory.load8({address})")
    assert owned.eval("mmi.initial_mappings.identity.is_live") is False


def test_the_guard_page_of_the_kernel_stack_faults(owned):
    guard = owned.eval("mmi.initial_mappings.stack_guards[0]")
    with owned.raises("PageFault", "not present"):
        owned.exec(f"import _memory\n_memory.load8({guard << 12})")


def test_the_image_cannot_be_written_through_the_window(owned):
    with owned.raises("PageFault", "write"):
        owned.exec(f"import _memory\n_memory.store8({WINDOW + 0x180000}, 0)")


def test_the_kernels_own_mappings_are_named_and_never_dropped(owned):
    names = owned.eval(
        "[m for m in ('text', 'rodata', 'boot_tables') if getattr(mmi.initial_mappings, m).kind == 'system']"
    )
    assert names == ["text", "rodata", "boot_tables"]
    for step in ("drop()", "remap(READ)", "split(mmi.initial_mappings.text.start + 1)", "unmap_into_parts()"):
        with owned.raises("SystemMapping"):
            owned.exec(f"mmi.initial_mappings.text.{step}")
    assert owned.eval("memory.verify().violations") == []


def test_memory_is_initialised_once(owned):
    with owned.raises("AlreadyInitialized"):
        owned.exec("memory.init(memory.BootInfo())")


RANDOM_WORK = """
import random
random.seed({seed})
kept = []
for i in range(60):
    what = random.randrange(7)
    if what < 3:
        kept.append(memory.create_mapping(4096 * random.randrange(1, 40), WRITE))
    elif what == 3 and kept:
        kept.pop(random.randrange(len(kept))).drop()
    elif what == 4:
        memory.allocate_frames(random.randrange(1, 20))
    elif what == 5:
        memory.allocate_pages(random.randrange(1, 20))
    else:
        other = PageTable.new_table(table)
        pages = memory.allocate_pages_at(VirtualAddress(0x10000000 + i * 0x1000000), 3)
        kept.append(other.map_allocated_pages(pages, WRITE))
        if random.randrange(2):
            other.switch_to()
free = memory.frame_allocator.statistics().free
"""


def test_soft_resets_after_random_work_give_everything_back(owned):
    at_boot = owned.eval("state()")
    for seed in range(30):  # a hundred are in tests/memory/test_reclaim.py
        owned.exec(RANDOM_WORK.format(seed=seed))
        owned.soft_reset()
        owned.exec(PRELUDE)
        assert owned.eval("state()") == at_boot, f"after the work of seed {seed}"
    assert owned.eval("memory.verify().violations") == []


def test_a_panic_shows_the_last_mapper_events(owned):
    owned.guest.expected_to_end = True
    owned.exec("m = memory.create_mapping(3 * 4096, WRITE)\nm.remap(READ)\nm.drop()")
    owned.start("import _console\n_console.panic('asked for')")
    owned.guest.expect_exit(35)
    log = owned.guest.log()
    assert "PANIC: asked for" in log
    events = [line for line in log.splitlines() if line.startswith("mapper event")]
    assert 3 <= len(events) <= 32
    assert [event.split(": ")[1].split(",")[0] for event in events[-3:]] == ["map", "change", "unmap"]
    assert "3 pages" in events[-1]


def test_a_callback_of_the_life_before_keeps_nothing_alive(kernel):
    """Where the scheduler's queue still named its place, whatever came to lie there would never be collected."""
    kernel.exec("""
        import micropython
        pad = [(number,) for number in range(3000)]
        def callback(_): pass
        for _ in range(32): micropython.schedule(callback, callback)
        """)
    place = kernel.eval("id(callback) ^ 1")  # no pointer, so that this number doesn't keep anything itself
    kernel.soft_reset()
    kernel.exec(f"""
        import gc
        def is_taken():
            made = [(number,) for number in range(20000)]
            return any(id(one) ^ 1 == {place} for one in made)
        """)
    found = kernel.eval("(is_taken(), gc.collect(), is_taken(), gc.collect(), is_taken())")
    assert found[::2] == (True, True, True)
