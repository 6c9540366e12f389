"""`replace` puts a new object in the place of an old one while others use it, or changes nothing at all."""

import pytest
from harness.objects import MODELS, compiled
from loader.sources import COUNTER, MATH, TIMES, USED, USER

STATE = """
long table[4] = { 1, 2, 3, 4 }, zeros[3];
static const char *names[] = { "one", "two" };
static long own = 5;
long used(long a) { own += a; zeros[1] = a; return table[a & 3] + %d; }
long seen(void) { return own; }
const char *name(int i) { return names[i]; }
"""


def replace(kernel, old, name, data, more=""):
    kernel.exec(f"objects.replace({old!r}, ({name!r}, {data!r}){more})")


@pytest.mark.parametrize("model", MODELS)
def test_who_holds_a_caller_goes_on_and_calls_the_new_one(loading, model):
    """By a call, through a table in .data, and through a slot of the GOT, in every code model; the state stays."""
    loading.load({"math.o": compiled(MATH, *MODELS[model]), "counter.o": compiled(COUNTER, *MODELS[model])})
    loading.exec("table, choose = function('through_table', 'q(q)'), function('choose', 'q(i)')")
    assert loading.eval("(table(5), choose(1))") == (7, 3)
    replace(loading, "math.o", "math2.o", compiled(TIMES, *MODELS[model]))
    assert loading.eval("(table(5), choose(1))") == (5, 1)
    assert loading.eval("function('how_often', 'q()')()") == 4
    assert loading.eval("function('both', 'q()')()") == 6 + 41
    assert loading.eval("[each.name for each in objects.loaded()]") == ["counter.o", "math2.o"]
    assert loading.eval("symbol('counted').mapped_pages.flags.is_writable()") is False
    assert loading.eval("memory.verify().violations") == []
    replace(loading, "math2.o", "math.o", compiled(MATH, *MODELS[model]))
    assert loading.eval("(table(5), choose(1))") == (7, 3)


def test_what_somebody_holds_of_the_old_one_goes_on_until_he_lets_go(loading):
    loading.load({"used.o": compiled(USED), "user.o": compiled(USER)})
    loading.exec("old, user = function('used', 'q(q)'), function('user', 'q(q)')")
    new = compiled(USED.replace("a + 1", "a + 2"))
    replace(loading, "used.o", "new.o", new)
    assert loading.eval("(old(1), user(1), function('used', 'q(q)')(1))") == (2, 30, 3)
    assert loading.eval("[(each.name, each.is_replaced) for each in objects.loaded()]") == [
        ("used.o", True),
        ("user.o", False),
        ("new.o", False),
    ]
    assert loading.eval("objects.where(old.address)[:3]") == ("used.o", ".text", "used")
    loading.exec("let_go()")
    loading.load({"more.o": compiled("long more;")})
    assert "used.o" not in loading.eval("[each.name for each in objects.loaded()]")


def test_state_is_carried_over_but_for_what_relocations_fill(loading):
    loading.load({"state.o": compiled(STATE % 0), "user.o": compiled(USER)})
    assert loading.eval("function('user', 'q(q)')(2)") == 30
    replace(loading, "state.o", "new.o", compiled(STATE % 100))
    assert loading.eval("function('seen', 'q()')()") == 7
    assert loading.eval("function('user', 'q(q)')(1)") == 1020
    assert loading.eval("list(symbol('zeros').mapped_pages.as_slice('q', symbol('zeros').offset, 3))") == [0, 1, 0]
    address = "function('name', 'Q(i)')(1)"
    assert loading.eval(f"objects.where({address})[0]") == "new.o"  # not into the old one, which is gone
    assert loading.eval(f"__import__('uctypes').bytes_at({address}, 4)") == b"two\0"


def test_a_state_function_sees_both_before_anybody_else(loading):
    loading.load({"state.o": compiled(STATE % 0), "user.o": compiled(USER)})
    wider = compiled((STATE % 7).replace("zeros[3]", "zeros[9]"))
    loading.exec("""
        def state(old, new):
            def words(each, name): return each.symbol(name).mapped_pages.as_slice_mut("q", each.symbol(name).offset, 4)
            with words(old, "table") as before, words(new, "table") as now:
                now[0:4] = [word * 10 for word in before]
            seen.append((old.name, new.name, [each.name for each in objects.loaded()]))
        seen = []
        """)
    with loading.raises("SizeDiffers", match=r"new.o: .bss: its state can't be carried over: 0x48 bytes, and .bss of"):
        replace(loading, "state.o", "new.o", wider)
    replace(loading, "state.o", "new.o", wider, ", state")
    assert loading.eval("function('user', 'q(q)')(2)") == 10 * (30 + 7)
    assert loading.eval("seen") == [("state.o", "new.o", ["state.o", "user.o"])]


WHO = "[(each.name, sorted([repr(user) for user in each.users()])) for each in objects.loaded()]"
SAME = "long state = 5; long used(long a) { return a; }"
REFUSED = {
    "a symbol in use is missing": (
        "long other_name(long a) { return a; }",
        "MissingSymbol",
        "new.o: .text: used, which",
    ),
    "its data is gone": ("long used(long a) { return a; }", "SizeDiffers", "new.o: .data: its state can't be carried"),
    "another size": ("long state[2] = {5}; long used(long a) { return state[0]; }", "SizeDiffers", "new.o: .data"),
    "unresolved": ("extern long no(void); long used(long a) { return no(); }", "UnresolvedSymbol", "new.o: .text: no"),
    "no file": ("", "BadElf", "new.o: it begins with"),
    "defined by another": (f"{SAME} long user(long a) {{ return a; }}", "DuplicateSymbol", "new.o: .text: user is"),
    "too far away": (".globl used; used: mov $used, %edi", "RelocationOverflow", "new.o: .text: R_X86_64_32"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_changes_nothing(loading, what):
    source, error, words = REFUSED[what]
    data = compiled(source, ending=".S" if source[0] == "." else ".c") if source else b"no"
    loading.load({"used.o": compiled(USED), "user.o": compiled(USER)})
    loading.exec("user = function('user', 'q(q)')")
    state = f"(settled(), {WHO}, user(1))"
    before = loading.eval(state)
    with loading.raises(error, match=words):
        replace(loading, "used.o", "new.o", data)
    with loading.raises("AlreadyLoaded", match="user.o"):
        replace(loading, "used.o", "user.o", compiled(SAME))
    assert loading.eval(state) == before


def test_a_patch_that_would_overflow_leaves_the_old_one_in_use(loading):
    """A user whose place can't reach the new one: computed before anything is changed. (Theseus changes half of it.)"""
    far_away = compiled(".globl used; .set used, 0x123456789abc; .data; .quad 5", ending=".S")
    loading.load({"used.o": compiled(USED), "user.o": compiled(USER)})
    with loading.raises("MissingSymbol", match="used, which .text of user.o uses, is not defined"):
        replace(loading, "used.o", "far.o", far_away)
    loading.exec("""
        from loader import replacing
        encoded, calls = replacing.encoded, []
        def second_fails(kind, value):
            calls.append(kind)
            return encoded(kind, value) if len(calls) < 2 else None
        replacing.encoded = second_fails
        """)
    loading.load({"more.o": compiled("extern long used(long); long more(long a) { return used(a) + 1; }")})
    with loading.raises("RelocationOverflow", match=r"more.o: .text: R_X86_64_PLT32 at offset .* to used"):
        replace(loading, "used.o", "new.o", compiled(USED.replace("a + 1", "a + 5")))
    loading.exec("replacing.encoded = encoded; del second_fails")
    assert loading.eval("len(calls)") == 2
    assert loading.eval("(function('user', 'q(q)')(1), function('more', 'q(q)')(1))") == (20, 3)
    assert loading.eval("[each.name for each in objects.loaded()]") == ["used.o", "user.o", "more.o"]


def test_a_state_function_that_raises_or_loads_changes_nothing(loading):
    loading.load({"used.o": compiled(USED), "user.o": compiled(USER)})
    loading.exec(f"new = {compiled(USED)!r}\ndef raises(old, new): raise ValueError('mine')")
    before = loading.eval("settled()")
    with loading.raises("ValueError", match="mine"):
        loading.exec("objects.replace('used.o', ('new.o', new), raises)")
    for call in ("objects.unload('user.o')", "objects.load([])", "objects.replace('user.o', ('x.o', new))"):
        with loading.raises("Reentered", match="the loader is not re-entrant"):
            loading.exec(f"objects.replace('used.o', ('new.o', new), lambda old, new: {call})")
    assert loading.eval("settled()") == before
    assert loading.eval("function('user', 'q(q)')(1)") == 20


def test_a_user_that_went_before_is_not_written_to(loading):
    """Each user is taken off the list by itself. (Theseus takes dead ones off by rising index, and so others.)"""
    users = {
        f"user{n}.o": compiled(f"extern long used(long); long user{n}(long a) {{ return {n} * used(a); }}")
        for n in range(5)
    }
    loading.load({"used.o": compiled(USED), **users})
    loading.exec("let_go(); objects.unload('user1.o', 'user2.o')")
    assert loading.eval("sorted([each.user.object.name for each in objects.find('used.o').users()])") == [
        "user0.o",
        "user3.o",
        "user4.o",
    ]
    loading.exec("let_go(); objects.unload('user0.o')")
    replace(loading, "used.o", "new.o", compiled(USED.replace("a + 1", "a + 9")))
    assert loading.eval("(function('user3', 'q(q)')(1), function('user4', 'q(q)')(1))") == (30, 40)


def test_unload_is_refused_while_needed_or_held_by_name(loading):
    loading.load({"used.o": compiled(USED), "user.o": compiled(USER)})
    before = loading.eval(WHO)
    with loading.raises(
        "ObjectNeeded", match=r"used.o: needed by .text of user.o \(used\): unload or replace what needs"
    ):
        loading.exec("objects.unload('used.o')")
    loading.exec("held = function('other', 'q()')")
    with loading.raises("ObjectHeld", match=r"user.o: unload would end <Function of \d+ bytes at v.*release"):
        loading.exec("objects.unload('used.o', 'user.o')")
    assert loading.eval(WHO) == before
    assert loading.eval("(held(), function('user', 'q(q)')(1))") == (3, 20)
    loading.exec("let_go(); objects.unload('user.o')")
    assert loading.eval("objects.find('used.o').users()") == []
