"""Protection keys of supervisor pages: what a key forbids is forbidden, for as long as it was said, and no longer."""

import itertools

import pytest
from harness import Kernel
from on_target import source

NAMES = """
    from memory import *
    from faults import PageFault, on_fault, probe
    from paging import OffsetPageTable
    from paging.keys import key
    import _cpu, _inject, _memory
    WRITABLE = PteFlags().writable(True)
    def register():
        return _cpu.read_msr(0x6E1) & (1 << 30) - 1  # but for the guard's key
    def refusal(call, *arguments):
        try:
            call(*arguments)
        except Exception as error:
            return type(error).__name__, str(error)
    def outcomes(at):
        return [probe.access(at, kind, value=7).error_code for kind in (probe.READ, probe.WRITE)]
"""
ALLOWED, READ_ONLY, NOTHING = [None, None], [None, 0x23], [0x21, 0x23]  # error codes of a read and of a write


@pytest.fixture
def keyed(kernel):
    """A kernel with these names, and two pages with key 5."""
    kernel.exec(NAMES)
    kernel.exec("m = create_mapping(8192, WRITABLE.with_protection_key(5))\nat = m.start_address.value")
    return kernel


def test_flags_keep_their_key(keyed):
    keyed.exec("f = PteFlags(PteFlagsX86_64(WRITABLE.with_protection_key(9)))")
    assert keyed.eval("(f.protection_key, f.writable(False).protection_key, f.to_arch().value >> 59 & 15)") == (9, 9, 9)
    assert keyed.eval("f.to_arch().adjust_for_higher_level_pte().protection_key") == 0
    assert keyed.text("f") == "VALID | WRITABLE | NOT_EXECUTABLE | KEY_9"
    wrong = "[refusal(WRITABLE.with_protection_key, wrong)[0] for wrong in (-1, 16, True, 'a', 2.0, None)]"
    assert keyed.eval(wrong) == ["ValueError"] * 6


@pytest.mark.parametrize(("size", "level"), [(4096, 1), (2 << 20, 2)], ids=["4K", "2M"])
def test_a_mapping_has_the_key_that_it_was_given_until_it_gets_another(keyed, size, level):
    keyed.exec(f"m = create_mapping({size}, WRITABLE.with_protection_key(3))\nat = m.start_address.value")
    assert keyed.eval("(m.protection_key, OffsetPageTable().translate(m.start_address).level)") == (3, level)
    assert keyed.eval("outcomes(at)") == ALLOWED
    keyed.exec("key(3).rights = 'readable'")
    assert keyed.eval("outcomes(at)") == READ_ONLY
    keyed.exec("m.remap(m.flags.writable(False))\nm.remap(m.flags.writable(True))")
    assert keyed.eval("(m.protection_key, outcomes(at))") == (3, READ_ONLY)
    keyed.exec("key(3).rights = 'closed'")
    assert keyed.eval("outcomes(at)") == NOTHING
    keyed.exec("m.remap(m.flags.with_protection_key(4))")
    assert keyed.eval("(m.protection_key, outcomes(at))") == (4, ALLOWED)
    assert keyed.eval("(m.deep_copy().protection_key, verify().violations)") == (4, [])


def test_pages_that_a_huge_page_is_divided_into_have_its_key(keyed):
    keyed.exec("""
        whole = create_mapping(2 << 20, WRITABLE.with_protection_key(3))
        first, rest = whole.split(whole.range.start + 1)
        rest.remap(rest.flags.writable(False))
        found = [OffsetPageTable().translate(each.start_address) for each in (first, rest)]
    """)
    assert keyed.eval("[(each.level, each.flags.protection_key) for each in found]") == [(1, 3), (1, 3)]


def test_what_with_opens_or_closes_is_as_before_however_it_ends(keyed):
    keyed.exec("""
        seen = []
        def note():
            seen.append((key(5).rights, register()))
        key(5).rights = "readable"
        with key(5).writable():
            note()
            with key(5).closed():
                with key(5).readable(), key(6).closed():
                    note()
                note()
            note()
        note()
        try:
            with key(5).writable():
                1 // 0
        except ZeroDivisionError:
            note()
        try:
            with key(5).closed():
                _memory.load64(at)
        except PageFault:
            note()
        for _ in range(2):
            with key(5).writable():
                continue
        note()
    """)
    rest = ("readable", 2 << 10)
    open_and_closed = [("writable", 0), ("readable", 2 << 10 | 3 << 12), ("closed", 3 << 10), ("writable", 0)]
    assert keyed.eval("seen") == [*open_and_closed, rest, rest, rest, rest]


def test_ctrl_c_leaves_no_key_open(keyed):
    """At every check of Ctrl-C on the way in, inside and on the way out."""
    keyed.exec(source("interrupted"))
    keyed.exec("""
        key(5).rights = "closed"
        def act():
            with key(5).writable():
                for _ in range(2):
                    pass
        n, found = interrupted(act, lambda: (register(), key(5).rights))
        act()
    """)
    assert keyed.eval("(n > 2, found)") == (True, {(3 << 10, "closed")})


def test_no_memory_leaves_no_key_open(keyed):
    keyed.exec("""
        key(5).rights = "closed"
        found, n, left = set(), 0, 0
        while not left:
            n += 1
            _inject.fail_allocation(n)
            try:
                with key(5).writable():
                    pass
            except MemoryError:
                pass
            left = _inject.fail_allocation(0)
            found.add(register())
    """)
    assert keyed.eval("(n > 1, found)") == (True, {3 << 10})


WRONG = [
    ("key(16)", "ValueError", "a protection key is from 0 to 15, not 16"),
    ("key(-1)", "ValueError", "a protection key is from 0 to 15, not -1"),
    ("key('5')", "TypeError", "a protection key is an int from 0 to 15, not str"),
    ("key(True)", "TypeError", "a protection key is an int from 0 to 15, not bool"),
    ("key(0).closed()", "KeyInUse", "protection key 0: every page has it that has no other"),
    ("key(0).readable()", "KeyInUse", "protection key 0: every page has it that has no other"),
    ("assign('rw')", "ValueError", "rights of a key are writable, readable or closed, not 'rw'"),
    ("assign(3)", "ValueError", "rights of a key are writable, readable or closed, not 3"),
    ("twice.__enter__()", "RuntimeError", "protection key 5: this is in use"),
    ("unused.__exit__(None, None, None)", "RuntimeError", "protection key 6: this is not in use"),
    ("assign('closed')", "KeyInUse", "protection key 5: a `with` has it"),
]


def test_what_is_wrong_is_one_line_and_changes_nothing(keyed):
    keyed.exec("""
        def assign(rights):
            key(5).rights = rights
        outer, twice, unused = key(5).closed(), key(5).writable(), key(6).closed()
    """)
    for code, name, words in WRONG:
        if code == "twice.__enter__()":
            keyed.exec("outer.__enter__()\ntwice.__enter__()")
        assert keyed.eval(f"refusal(lambda: {code})")[0] == name, code
        assert keyed.eval(f"refusal(lambda: {code})")[1].startswith(words), code
        assert keyed.eval("register()") == 0
    keyed.exec("twice.__exit__(None, None, None)")
    assert keyed.eval("register()") == 3 << 10
    keyed.exec("outer.__exit__(None, None, None)\nwith twice: pass")
    assert keyed.eval("register()") == 0


def test_what_was_entered_last_counts_and_any_order_of_leaving_ends_as_before(keyed):
    """Generators hold the key, and end in every order."""
    held = ["closed", "writable", "readable"]
    for order in itertools.permutations(range(3)):
        keyed.exec(f"""
            def holds(rights):
                with getattr(key(5), rights)():
                    yield
            key(5).rights, seen = "closed", []
            generators = [holds(rights) for rights in {held}]
            for each in generators:
                next(each)
                seen.append(key(5).rights)
            for number in {order}:
                generators[number].close()
                seen.append(key(5).rights)
            key(5).rights = "writable"
        """)
        left = [[held[n] for n in range(3) if n not in order[: ended + 1]] for ended in range(3)]
        assert keyed.eval("seen") == held + [["closed", *rights][-1] for rights in left]


def test_who_is_never_left_holds_its_key_until_the_soft_reset_and_says_so(keyed):
    keyed.exec("""
        import gc
        key(5).closed().__enter__()
        for _ in range(3): gc.collect(), [bytearray(16) for _ in range(1000)]
        def assign():
            key(5).rights = "writable"
        with key(5).writable():
            _memory.store64(at, 7)
    """)
    name, text = keyed.eval("refusal(assign)")
    assert (name, keyed.eval("key(5).rights")) == ("KeyInUse", "closed")
    assert text.endswith("has it, or has lost it: set its rights after that, or Ctrl-D")


def test_a_fault_names_the_key_its_register_and_what_to_do(keyed):
    keyed.exec("key(5).rights = 'readable'")
    name, text = keyed.eval("refusal(_memory.store64, at, 1)")
    assert name == "PageFault"
    assert ": protection key 5: IA32_PKRS forbids writes at P1; exclusive mapping PageRange(" in text
    assert text.endswith("rw-: `with key(5).writable():` opens it (from paging.keys import key)")
    keyed.exec("key(5).rights = 'closed'")
    assert "protection key 5: IA32_PKRS forbids reads at P1" in keyed.eval("refusal(_memory.load64, at)")[1]
    keyed.exec("m.remap(m.flags.writable(False))")
    for act, more in ("store64, at, 1", "), but it is read-only at P1, too"), ("load64, at", "import key)"):
        assert keyed.eval(f"refusal(_memory.{act})")[1].endswith(more)


def test_a_handler_that_opens_the_key_has_the_access_tried_again_and_no_other(keyed):
    keyed.exec("""
        key(5).rights = "closed"
        asked = []
        def says_retry(fault):
            asked.append(fault.reason)
            return True
        def opens(fault):
            key(5).rights = "writable"
            return True
        handler = on_fault(m.range, says_retry)
        refused = refusal(_memory.load64, at)
        handler.cancel()
        handler = on_fault(m.range, opens)
        _memory.store64(at, 99)
        handler.cancel()
    """)
    assert keyed.eval("(len(asked), _memory.load64(at))") == (1, 99)
    assert "the handler said retry, yet the access is still refused" in keyed.eval("refused[1]")


def test_the_register_that_a_user_writes_is_what_holds(keyed):
    keyed.exec("_cpu.write_msr(0x6E1, _cpu.read_msr(0x6E1) & 3 << 30 | 3 << 10)")
    assert keyed.eval("(key(5).rights, outcomes(at))") == ("closed", NOTHING)
    keyed.exec("with key(5).writable(): _memory.store64(at, 1)")
    assert keyed.eval("register()") == 3 << 10


def test_the_prompt_has_the_command_beside_the_function_of_its_name(console):
    console.command("from paging.keys import key")
    assert "key 5: readable" in console.command("key 5 readable")
    assert "'readable'" in console.command("key(5).rights")
    console.command("key = 7")
    assert console.command("key").strip() == "7"


def test_a_closed_key_is_no_stale_translation(keyed):
    keyed.exec("from shell.commands import stale\n_memory.load64(at)\nkey(5).rights = 'closed'")
    assert keyed.eval("stale(at).is_stale") is False
    keyed.exec("key(5).rights = 'readable'")
    assert keyed.eval("stale(at).is_stale") is False


def test_a_soft_reset_opens_all_keys(keyed):
    keyed.exec("key(5).rights = 'closed'\nkey(6).closed().__enter__()")
    keyed.soft_reset()
    assert keyed.eval("__import__('_cpu').read_msr(0x6E1) & (1 << 30) - 1") == 0
    keyed.exec(NAMES)
    assert keyed.eval("[key(number).rights for number in (5, 6)]") == ["writable", "writable"]


def test_a_cpu_without_keys_says_so_and_maps_them_all_the_same(boot):
    guest = boot(cpu="qemu64", guard=True)
    guest.console.expect("guard +none: this CPU has no protection keys for supervisor pages", 15)
    guest.console.expect("> $", 15)
    kernel = Kernel(guest)
    kernel.exec("from memory import *\nfrom paging.keys import key")
    with kernel.raises("NoProtectionKeys", "this CPU has no protection keys for supervisor pages"):
        kernel.exec("key(5)")
    kernel.exec(
        "m = create_mapping(4096, PteFlags().writable(True).with_protection_key(5))\nm.as_slice_mut('Q')[0] = 7"
    )
    assert kernel.eval("(m.protection_key, verify().violations)") == (5, [])
