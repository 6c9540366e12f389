"""TLB truth: what a stale translation still does, until it is flushed. So a flush that is forgotten can be seen.

Change and second access are one native sequence, with nothing in between that could flush by accident.
"""

import pytest
from harness import depth
from harness.guard import SHOWS_STALE
from on_target import source
from on_target.playground import CODE, DATA, NX, PRESENT, TABLE, USER, WRITABLE

READ_ONLY = PRESENT | NX


@pytest.fixture
def play(kernel):
    """A kernel with a playground."""
    kernel.exec(CODE)
    return kernel


@pytest.fixture(params=["qemu", pytest.param("bochs", marks=pytest.mark.bochs)])
def either(request):
    """A kernel with a playground, on each machine."""
    kernel = request.getfixturevalue("kernel" if request.param == "qemu" else "bochs_kernel")
    kernel.exec(CODE)
    return kernel


@SHOWS_STALE
def test_a_remapped_page_shows_the_old_frame_until_it_is_flushed(either):
    either.exec("p.map(0, 1)")
    steps = "[p.read(0), p.entry(0, 2), p.read(0), probe.step_invalidate(PAGE + 1), p.read(0)"
    assert either.eval(f"outcomes({steps}, probe.step_invalidate(PAGE), p.read(0)])") == [1, 1, 1, 2]


@SHOWS_STALE
def test_an_unmapped_page_can_be_read_until_it_is_flushed(either):
    either.exec("p.map(0, 1)")
    steps = "[p.read(0), p.entry(0, 0, 0), p.read(0), probe.step_invalidate(PAGE), p.read(0)]"
    assert either.eval(f"outcomes({steps})") == [1, 1, "fault 0"]


@SHOWS_STALE
def test_of_sixteen_pages_most_stay_stale_and_none_after_the_flush(either):
    """The emulator's TLB may have shrunk to 64 slots, so that some pages push each other out: most, not all."""
    either.exec("for n in range(16): p.map(n, 1)")
    reads, changes = "[p.read(n) for n in range(16)]", "[p.entry(n, 2) for n in range(16)]"
    found = either.eval(f"outcomes({reads} + {changes} + {reads})")
    assert found[:16] == [1] * 16
    assert found[16:].count(1) >= 8
    flush = "[probe.step_invalidate(PAGE + n) for n in range(16)]"
    assert either.eval(f"outcomes({flush} + {reads})") == [2] * 16


@SHOWS_STALE
def test_a_page_made_read_only_can_be_written_until_it_is_flushed(either):
    either.exec("p.map(0, 1)")
    steps = f"[p.write(0), p.entry(0, 1, {READ_ONLY}), p.write(0), probe.step_invalidate(PAGE), p.write(0)]"
    assert either.eval(f"ok({steps})") == [True, True, 3]


def test_more_rights_need_no_flush(either):
    either.exec(f"p.unmap(0); p.map(1, 1, {READ_ONLY})")
    assert either.eval("outcomes([p.read(0), p.entry(0, 3), p.read(0)])") == ["fault 0", 3]
    assert either.eval("ok([p.read(1), p.entry(1, 1), p.write(1)])") == [True, True]


def test_loading_cr3_flushes(either):
    either.exec("p.map(0, 1)")
    assert either.eval("outcomes([p.read(0), p.entry(0, 2), probe.step_flush(), p.read(0)])") == [1, 2]


@pytest.mark.bochs
def test_a_global_translation_outlives_cr3_but_not_the_toggle_of_pge(bochs_kernel):
    bochs_kernel.exec(CODE + "\np.map(0, 1, DATA | 1 << 8)")
    steps = "[p.read(0), p.entry(0, 2, DATA | 1 << 8), probe.step_flush(), p.read(0)"
    assert bochs_kernel.eval(f"outcomes({steps}, probe.step_flush_global(), p.read(0)])") == [1, 1, 2]


@SHOWS_STALE
def test_a_table_taken_away_is_missed_only_where_nothing_is_cached(either):
    either.exec("p.map(0, 1); p.map(1, 2)")
    steps = "[p.read(0), probe.step_entry(p.p2, 0, 0, 0), p.read(0), p.read(1)"
    assert either.eval(f"outcomes({steps}, probe.step_invalidate(PAGE), p.read(0)])") == [1, 1, "fault 0", "fault 0"]


@SHOWS_STALE
def test_invalidating_any_address_in_a_large_page_flushes_it(play):
    """Two large pages tell themselves apart by their first words."""
    large = f"{DATA | 1 << 7:#x}"
    play.exec("""
        owners = [memory.allocate_frames(512) for _ in range(2)]
        first, second = [owner.start.number for owner in owners]
        assert first % 512 == second % 512 == 0
        _memory.store64((WINDOW_PAGE + first << 12) & 0xffffffffffffffff, 0xcc00000007b8)
        _memory.store64((WINDOW_PAGE + second << 12) & 0xffffffffffffffff, 0xcc00000008b8)
        """)
    steps = (
        f"[probe.step_entry(p.p2, 0, first, {large}), p.read(0), probe.step_entry(p.p2, 0, second, {large}), p.read(0)"
    )
    assert play.eval(f"outcomes({steps}, probe.step_invalidate(PAGE + 300), p.read(0)])") == [7, 7, 8]


@SHOWS_STALE
def test_stale_translations_live_on_across_the_prompt(play):
    """A kernel function that forgets to flush can be caught by a test that comes back later, whatever the prompt has
    touched meanwhile."""
    play.exec(source("large_tlb"))
    play.exec("""
        def found(): return [_memory.load64(BASE + n * 4096) >> 8 & 0xff for n in range(496, 512)]
        for n in range(496, 512): p.map(n, 1)
        grow_tlb()
        assert found() == [1] * 16
        for n in range(496, 512): p.set(p.p1, n, p.frames[2], DATA)
        """)
    # A page of the kernel's own may have the place of one or two of them.
    assert play.eval("found()").count(1) >= 12
    play.exec("for n in range(496, 512): _cpu.invlpg(PAGE + n)")
    assert play.eval("found()") == [2] * 16


# --- scripts: what a product of independent cases can't say ---


def test_dirty_is_set_in_the_alias_that_was_written_only(either):
    either.exec("p.map(0, 1); p.map(1, 1); probe.sequence([p.read(0), p.read(1), p.write(0)])")
    assert either.eval("[p.get(p.p1, n) >> 5 & 3 for n in (0, 1)]") == [0b11, 0b01]


def test_a_read_only_page_written_with_wp_off_is_dirty_though(either):
    either.exec(f"p.map(0, 1, {READ_ONLY})")
    steps = "[p.write(0), probe.step_write_protect(0), p.write(0), probe.step_write_protect(1), p.write(0)]"
    assert either.eval(f"ok({steps})") == [3, True, 3]
    assert either.eval("p.get(p.p1, 0) >> 5 & 3") == 0b11


def test_dirty_of_a_clean_page_is_set_though_its_translation_is_cached(either):
    either.exec("p.map(0, 1); probe.sequence([p.read(0), p.write(0)])")
    assert either.eval("p.get(p.p1, 0) >> 5 & 3") == 0b11


def test_rights_are_those_of_the_way_taken_to_a_shared_table(either):
    """One level-1 table under two level-2 entries: the page can be written by one address, not by the other."""
    either.exec(f"p.map(0, 1)\np.set(p.p2, 1, p.p1 - WINDOW_PAGE, {PRESENT | USER})")
    other = "probe.step_access(BASE + 0x200000, probe.WRITE)"
    assert either.eval(f"ok([p.write(0), {other}, p.write(0)])") == [True, 3, True]


@pytest.mark.writable_executable("pages with all rights")
def test_ring_3_reaches_user_pages_only(either):
    either.exec(f"p.map(0, 1, {TABLE}); p.map(1, 2, {PRESENT | WRITABLE}); p.map(2, 3, {TABLE | NX})")
    assert either.eval("outcomes([p.read(0, True), p.read(1, True), p.read(2, True)])") == [1, "fault 5", 3]
    assert either.eval("ok([p.execute(0, True), p.execute(2, True), p.execute(1)])") == [True, 21, True]


@pytest.mark.writable_executable("pages with all rights")
def test_a_supervisor_does_not_execute_user_pages(either):
    either.exec(f"p.map(0, 1, {TABLE})")
    smep = either.eval("_cpu.read_cr4() >> 20 & 1")
    assert either.eval("ok([p.execute(0)])") == [17 if smep else True]


def test_a_probe_leaves_the_machine_as_it_was(play):
    before = play.eval("(_cpu.read_cr0(), _cpu.read_cr3(), _cpu.read_cr4())")
    root = "[_memory.load64((p.p4 << 12) + 8 * n) for n in range(512)]"
    tables = play.eval(root)
    assert play.eval("ok([p.read(5), p.read(5, True), probe.step_write_protect(0)])") == [0, 4]
    assert play.eval("(_cpu.read_cr0(), _cpu.read_cr3(), _cpu.read_cr4())") == before
    without_accessed = [entry & ~0x20 for entry in tables]
    assert [entry & ~0x20 for entry in play.eval(root)] == without_accessed


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("probe.step_access(BASE, 3)", "ValueError"),
        ("probe.step_access(BASE, 32)", "ValueError"),
        ("probe.step_access(BASE, None)", "TypeError"),
        ("probe.step_entry(1 << 52, 0, 0, 0)", "ValueError"),
        (f"probe.step_entry({depth.HALF_BYTES >> 12}, 0, 0, 0)", "ValueError"),
        ("probe.step_entry(p.p1, 512, 0, 0)", "ValueError"),
        ("probe.step_entry(p.p1, 0, 1 << 40, 0)", "ValueError"),
        ("probe.step_entry(p.p1, 0, 0, 1 << 24)", "ValueError"),
        ("probe.step_invalidate(-1)", "ValueError"),
        ("probe.sequence([p.entry(0, 1), b'no step'])", "ValueError"),
        ("probe.sequence([p.entry(0, 1)] * 65)", "ValueError"),
        ("block(accesses=())", "ValueError"),
        ("block(accesses=(0,) * 49)", "ValueError"),
        ("block(accesses=(3,))", "ValueError"),
        ("block(toggles=((1, 0),) * 25)", "ValueError"),
        ("block(toggles=((0, 0),))", "ValueError"),
        ("block(toggles=((5, 0),))", "ValueError"),
        ("block(toggles=((1, 64),))", "ValueError"),
        ("block(place=(2, 0, 0))", "ValueError"),
        ("block(place=(511, 0, 0))", "ValueError"),
        ("block(place=(512, 0, 0))", "ValueError"),
        ("block(place=(64, 512, 0))", "ValueError"),
        ("block(place=(64, 1, 4089))", "ValueError"),
        ("block(value=0xb8)", "ValueError"),
        ("probe.results(block(), 1, 1)", "ValueError"),
    ],
)
def test_what_is_no_step_and_no_block_is_refused_and_nothing_is_done(play, call, error):
    play.exec("""
        def block(toggles=(), accesses=(0,), place=(64, 1, 0), value=0xcc00000000b8):
            made = probe.block((7, 7, 7, 7), toggles, accesses, 3, 0, 0, place, value)
            assert len(probe.results(made, 0, 1)) == 2 * len(accesses)
            return made
        before = p.get(p.p1, 0)
        """)
    with play.raises(error):
        play.exec(call)
    assert play.eval("p.get(p.p1, 0) == before and len(probe.results(block(), 0, 1)) == 2") is True
