"""Whatever comes at whatever moment, a page is what was last written to it, and resident or in the store.

Want of memory, Ctrl-C and scheduled callbacks come at every single point of what a Swapped does
(on_target/replacement/trouble.py); stores and policies fail at every call.
"""

import pytest
from harness import depth
from harness.trials import tried
from on_target import source

AREA = depth.root_entry(32)
OPERATIONS = [
    "a fault, a frame is free",
    "a fault, a clean page goes",
    "a write, a dirty page goes",
    "a fault reads ahead",
    "sync",
    "drop",
    "another policy",
    "a tick",
]


@pytest.fixture
def troubled(swapped):
    swapped.exec(source("replacement/trouble"))
    return swapped


def test_all_operations_are_listed(troubled):
    assert sorted(troubled.eval("list(OPERATIONS)")) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_want_of_memory_loses_no_page(troubled, operation):
    assert tried(troubled, f"fail_allocations({operation!r})") >= 3


@pytest.mark.parametrize("operation", OPERATIONS)
def test_ctrl_c_loses_no_page(troubled, operation):
    assert tried(troubled, f"interrupt({operation!r})") > 10


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_callback_that_writes_and_synchronises_loses_no_page(troubled, operation):
    assert tried(troubled, f"call_back({operation!r})") > 10


FAILURES = {
    "an error of the device": ("OSError(5)", "OSError: EIO"),
    "an error of its own": ("ValueError('no such cylinder')", "ValueError: no such cylinder"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_read_that_fails_is_what_the_statement_gets_once(swapped, failure):
    raised, said = FAILURES[failure]
    swapped.exec(f"new((0, 1, 2)); store.fails = 'read', 1, {raised}")
    with swapped.raises("StoreError", rf"page 5 of Failing\(\), at v{AREA + 0x5000:#x}, can't be read: {said}"):
        swapped.exec("memory[5 * PAGE_SIZE]")
    assert swapped.eval("(5 in mapped(), faults_of_state(), end())") == (False, [], [])


@pytest.mark.parametrize("failure", FAILURES)
def test_a_page_that_cannot_be_written_stays_dirty_and_resident(swapped, failure):
    raised, said = FAILURES[failure]
    swapped.exec(f"new((0, 1, 2)); store.fails = 'write', 1, {raised}")
    with swapped.raises("StoreError", rf"page 0 of Failing\(\), at v{AREA:#x}, can't be written: {said}"):
        swapped.exec("memory[5 * PAGE_SIZE]")
    assert swapped.eval("(resident(), dirty(), mapped(), s.evictions)") == ([0, 1, 2], [0, 1, 2], [0, 1, 2], 0)
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


def test_a_store_that_fails_at_sync_and_drop_leaves_all_that_is_not_written_dirty(swapped):
    for act in "s.sync()", "s.drop()":
        swapped.exec("new((0, 1, 2)); store.fails = 'write', 2, OSError(28)")
        with swapped.raises("StoreError", "page 1 of .* can't be written: OSError: "):
            swapped.exec(act)
        assert swapped.eval("(dirty(), resident(), bool(s))") == ([1, 2], [0, 1, 2], True)
        swapped.exec("store.fails = 'flush', 1, OSError(5)")
        with swapped.raises("StoreError", r"^Failing\(\) can't be flushed: OSError: EIO"):
            swapped.exec(act)
        assert swapped.eval("(bool(s), faults_of_state(), end())") == (True, [], [])


def test_what_cannot_be_written_can_be_given_up(swapped):
    swapped.exec("new((0, 1)); store.fails = 'write', 1, OSError(5); s.drop(write_back=False)")
    assert swapped.eval("(bool(s), mapped(), store.pages[0][0], store.calls)") == (False, [], 1, [])


def test_pages_that_are_read_ahead_may_fail_for_themselves(swapped):
    """The statement asked for one page, which could be read."""
    swapped.exec("new((), (0,), frames=6, cluster=4); store.fails = 'read', 1, OSError(5)")
    assert swapped.eval("(memory[PAGE_SIZE], store.calls, resident())") == (2, [("read", 1, 4), ("read", 1, 1)], [0, 1])
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


def test_a_store_that_writes_to_the_page_that_it_stores_is_found_out(swapped):
    """What was written behind the store's back is not lost with the frame."""
    swapped.exec("""
        class Scribbling(Failing):
            def write(self, offset, buffer):
                Failing.write(self, offset, buffer)
                write(0, 99)
        Ordinary, Failing = Failing, Scribbling
        new((0, 1, 2))
        Failing = Ordinary
        """)
    with swapped.raises("StoreError", "page 0 of .* can't be written: it was changed meanwhile"):
        swapped.exec("memory[5 * PAGE_SIZE]")
    swapped.exec("store.__class__.write = Ordinary.write")
    assert swapped.eval("(dirty(), resident(), faults_of_state(), end())") == ([0, 1, 2], [0, 1, 2], [], [])


POLICIES = {
    "names a page that has no frame": ("victim", "FIRST + 7", rf"chose {(AREA >> 12) + 7}, which has no frame"),
    "names a page of nobody's": ("victim", "3", "chose 3, which has no frame"),
    "names no page at all": ("victim", "None", "chose None, which has no frame"),
    "names a page in another way": ("victim", "Page(FIRST)", "chose Page.*, which has no frame"),
    "cannot say who": ("victim", "{}['who']", r"failed in victim\(\): KeyError: who"),
    "cannot be told who came": ("loaded", "1 // 0", r"failed in loaded\(\): ZeroDivisionError.*"),
    "cannot be told who went": ("removed", "[][0]", r"failed in removed\(\): IndexError.*"),
}


@pytest.mark.parametrize("what", POLICIES)
def test_a_policy_that(swapped, what):
    """... is told by name at the faulting statement; nothing is lost, and another one goes on."""
    method, answer, said = POLICIES[what]
    swapped.exec(f"""
        is_bad = False
        class Bad(policy_of("fifo")):
            name = "bad"
            def {method}(self, *page):
                return ({answer}) if is_bad else super().{method}(*page)
        new((0, 1, 2), policy=Bad)
        is_bad = True
        """)
    with swapped.raises("PolicyFailed", f"policy bad {said}; nothing is lost"):
        swapped.exec("memory[5 * PAGE_SIZE]")
    swapped.exec("is_bad = False")
    assert swapped.eval("(mapped() == resident(), type(s.policy).name)") == (True, "bad")
    swapped.exec("for page in range(PAGES): memory[page * PAGE_SIZE]")
    swapped.exec("is_bad = True; s.policy = 'clock'")
    assert swapped.eval("(type(s.policy).name, faults_of_state(), end())") == ("clock", [], [])


def test_a_policy_that_cannot_begin_leaves_the_old_one(swapped):
    swapped.exec("""
        new((0, 1, 2))
        class Never(policy_of("fifo")):
            name = "never"
            def loaded(self, page):
                raise ValueError(page)
        """)
    with swapped.raises("PolicyFailed", rf"policy never can't be made: ValueError: {AREA >> 12}; nothing is lost"):
        swapped.exec("s.policy = Never")
    swapped.exec("""
        try: s.policy = Never
        except Exception as error: cause = error.cause
        """)
    assert swapped.eval("repr(cause)") == "ValueError(4294967296,)"
    with swapped.raises("UnknownPolicy", "'least' is no replacement policy: there are "):
        swapped.exec("s.policy = 'least'")
    assert swapped.eval("(type(s.policy).name, faults_of_state(), end())") == ("clock", [], [])


def test_no_frame_left_is_told_and_nothing_is_lost(swapped):
    swapped.exec("""
        from memory import allocate_frames
        new((0,), frames=2)
        held = []
        while frame_allocator.statistics().free:
            held.append(allocate_frames(frame_allocator.statistics().largest_run))
        """)
    with swapped.raises("OutOfFrames"):
        swapped.exec("memory[5 * PAGE_SIZE]")
    assert swapped.eval("(resident(), mapped())") == ([0], [0])
    swapped.exec("while held: held.pop().drop()")
    assert swapped.eval("(faults_of_state(), end())") == ([], [])
