"""Doors that lead inside: used once at boot, and shut from then on. And what was half done behind them."""

import pytest

SETUP = """
import memory.system
import memory.init
from faults import handlers, on_fault
from memory import EarlyIdentityMappedPages, Stack
huge = lambda: create_mapping(2 << 20, WRITE)
"""


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


SHUT = {
    "memory.system.install(None)": "AlreadyInitialized",
    "memory.system.install(MMI)": "AlreadyInitialized",
    "memory.init(BootInfo())": "AlreadyInitialized",
    "memory.init_post_heap(MMI)": "AlreadyInitialized",
    "_critical.set_safe_point(None)": "TypeError",
    "_critical.set_safe_point(len)": "ValueError",
    "EarlyIdentityMappedPages(K).drop_all()": "TypeError",
    "EarlyIdentityMappedPages().drop_all()": "TypeError",
    "PageTable(K.root, MMI, K)": "TypeError",
    "MappedPages().drop()": "UseAfterMove",
    "memory.AllocatedFrames().drop()": "UseAfterMove",
    "memory.UnmappedFrames().drop()": "UseAfterMove",
    "memory.BorrowedMappedPages(K, 5, 6).drop()": "TypeError",
    "memory.DeferredAllocAction(None).drop()": "TypeError",
}


def test_what_is_made_once_is_not_made_again(kernel):
    for call, name in SHUT.items():
        kernel.refuses(call, [name])


def test_the_identity_entry_is_not_taken_from_whoever_has_it(kernel):
    """Root entry 0 is anybody's after the boot: page 1 is mapped there, and goes on being so."""
    kernel.exec("m = create_mapping_at(VirtualAddress(0x1000), 4096, WRITE)")
    kernel.refuses("EarlyIdentityMappedPages(K).drop_all()", ["TypeError"])
    kernel.exec("with m.as_slice('B') as v: v[0]\nm.drop(); m = v = None")
    kernel.adds_up()


FRAMES = [
    "m.frames()[0].start",
    "memory.allocate_frames(1).start",
    "root_frame(t)",
    "Frame(0x100)",
    "shared.range.start",
]


def test_only_frames_of_tables_go_back_as_such(kernel):
    kernel.exec(
        "m = create_mapping(4096, WRITE); t = PageTable.new_table(K); shared = SharedFrames(memory.allocate_frames(1))"
    )
    for frame in FRAMES:
        kernel.refuses(f"tf.deallocate_frame({frame})", ["IllegalState"])
        kernel.refuses(f"tf.deallocate_number({frame}.number)", ["IllegalState"])
    for wrong in ("'x'", "None", "-1", "1 << 64", "1.5"):
        kernel.refuses(f"tf.deallocate_number({wrong})", ["TypeError", "ValueError"])
        kernel.refuses(f"tf.deallocate_run({wrong}, 1)", ["TypeError", "ValueError"])
    kernel.exec("m.drop(); t.drop(); shared.drop(); m = t = shared = None")
    kernel.adds_up()


def test_a_handler_that_somebody_made_himself_cancels_nobody_elses(kernel):
    """It names a slot; whose that is, the slot says."""
    kernel.exec("from faults import FaultHandler\nmine = on_fault(pages_from(at(LOW), 1), lambda fault: False)")
    kernel.exec("for slot in range(-2, 40): FaultHandler(mine.range, len, slot).cancel()")
    assert kernel.eval("handlers.handlers() == [mine] and mine.is_active")
    kernel.exec("mine.cancel()")


@pytest.mark.parametrize("arm", ["fail_allocation", "interrupt"])
def test_an_on_fault_that_raises_has_registered_nothing(kernel, arm):
    """The n-th allocation fails, or Ctrl-C comes at the n-th place: there is a handler and who cancels it, or none."""
    kernel.exec(f"""
        wrong = []
        pages = pages_from(at(LOW), 2)
        def register(n):
            made = None
            _inject.{arm}(n)
            try:
                made = on_fault(pages, len)
                left = _inject.{arm}(0)
                for _ in range(2): pass
            except BaseException:
                left = _inject.{arm}(0)
            return made, left
        n = left = 0
        while not left and n < 200:
            n += 1
            made, left = register(n)
            found = handlers.handlers()
            if made is None and found:
                wrong.append(n)
            for handler in found: handler.cancel()
        """)
    assert kernel.eval("wrong") == []
    assert 1 < kernel.eval("n") < 200
    assert kernel.eval("handlers.handlers()") == []


RIGHTS = """
m = create_mapping(4096, WRITE.executable(True), True, "why")
device = SharedFrames(memory.allocate_frames_at(PhysicalAddress(0xb8000), 1))
screen = K.map_shared(memory.allocate_pages(1), device, WRITE)
"""


def test_a_copy_neither_inherits_an_override_nor_reads_a_device(kernel):
    kernel.exec(RIGHTS)
    kernel.refuses("m.deep_copy()", ["IllegalState", "WritableExecutable"])
    kernel.refuses("m.deep_copy(WRITE.executable(True))", ["WritableExecutable"])
    kernel.refuses("screen.deep_copy()", ["IllegalState"])
    assert kernel.eval("violations()") == [], "an override that was given is no violation"
    kernel.exec(
        "c = m.deep_copy(WRITE); c.drop(); m.drop(); screen.drop(); device.drop(); m = c = screen = device = None"
    )
    kernel.adds_up()


def test_dead_shared_frames_say_that_they_are_dead(kernel):
    kernel.exec("s = SharedFrames(memory.allocate_frames(2)); s.drop()")
    for question in ("s.range", "s.size_in_frames", "s.__enter__()", "s.drop()", "s.into_frames()"):
        kernel.refuses(question, ["UseAfterMove"])


def test_shared_frames_keep_their_contents_as_long_as_they_live(kernel):
    """Of the owner's own bytes nothing is cleared when the last mapping goes and the next one comes."""
    kernel.exec("""
        s = SharedFrames(memory.allocate_frames(2))
        with K.map_shared(memory.allocate_pages(2), s, WRITE) as first:
            with first.as_slice_mut("B") as v: v[5000] = 77
        with K.map_shared(memory.allocate_pages(2), s, READ) as second:
            with second.as_slice("B") as v: found = v[5000], v[0]
        s.drop()
        s = first = second = v = None
        """)
    assert kernel.eval("found") == (77, 0)
    kernel.adds_up()


@pytest.mark.parametrize("call", ["m.split(m.start + 7)", "m.remap(READ)", "m.unmap_into_parts()", "m.drop()"])
def test_what_the_shootdown_callback_raises_comes_out(kernel, call):
    kernel.exec("""
        def raises(pages): raise ValueError("from the callback")
        m = huge()
        memory.set_broadcast_tlb_shootdown_cb(raises)
        """)
    assert kernel.eval(f"(refused(lambda: {call}), said)") == ("ValueError", "from the callback")
    kernel.exec("memory.set_broadcast_tlb_shootdown_cb(None)\nrefused(m.drop)\nm = None")
    kernel.adds_up()


def test_a_technique_that_was_left_says_so(kernel):
    for name in ("offset", "mapped", "identity", "temporary", "recursive"):
        kernel.exec(f"x = technique({name!r}); x.leave()")
        for call in (
            "translate(VirtualAddress(LOW))",
            "map_to(at(LOW), Frame(0xb8), DATA, tf)",
            "unmap(at(LOW))",
            "clean_up(tf)",
        ):
            kernel.refuses(f"x.{call}", ["TechniqueUnavailable"])
