"""What a replaced object's data become, when its program has stored addresses in them; and who still leads into it."""

import pytest
from harness.objects import compiled
from loader.conftest import PRELUDE
from loader.sources import USED, USER
from loader.test_replacing import replace

# Every address in its data was stored when it ran: no relocation knows of them.
STATE = """
struct node { long value; struct node *next; };
static struct node pool[4];
static struct node *head, **tail = &head;
static long (*operation)(long);
static long *end, numbers[3] __attribute__((section(".bss.last"))); /* nothing is behind it */
const char *said;
__attribute__((noipa)) static long scaled(long a) { return SCALE * a; }
long push(long value) {
    static int used;
    struct node *new = &pool[used++];
    new->value = value;
    *tail = new;
    tail = &new->next;
    operation = scaled;
    end = numbers + 3;
    return used;
}
long sum(void) {
    long all = 0;
    for (struct node *each = head; each; each = each->next) all += each->value;
    return all;
}
long apply(long a) { return operation(a); }
long room(void) { return end - numbers; }
void say(void) { said = SAID; }
void forget(void) { said = 0; operation = 0; }
"""


def state(scale, said='"a text"'):
    return compiled(STATE, f"-DSCALE={scale}", f"-DSAID={said}")


def test_addresses_that_the_program_stored_lead_into_the_new_one(loading):
    """A list, its last link, a static function, the end of an array."""
    loading.load({"state.o": state(2)})
    loading.exec("push = function('push', 'q(q)'); push(5), push(6)")
    assert loading.eval("[function(name, 'q(q)')(4) for name in ('sum', 'apply', 'room')]") == [11, 8, 3]
    loading.exec("let_go(); del push")
    replace(loading, "state.o", "new.o", state(3))
    assert loading.eval("[each.name for each in objects.loaded()]") == ["new.o"]
    assert loading.eval("[function(name, 'q(q)')(4) for name in ('sum', 'apply', 'room')]") == [11, 12, 3]
    assert loading.eval("(function('push', 'q(q)')(7), function('sum', 'q()')())") == (3, 18)


def test_an_address_that_has_no_place_in_the_new_one_is_refused_by_name(loading):
    """Texts have no symbols; and a function may be missing. A state function takes what is worth it."""
    loading.load({"state.o": state(2)})
    loading.exec("function('push', 'q(q)')(5), function('say', '()')(); let_go()")
    before = loading.eval("settled()")
    words = (
        r"state.o: .bss: at offset 0x\w+ it holds 0xffffffff\w+, an address in .rodata.* of state.o that new.o does not"
    )
    with loading.raises("AddressInState", match=words + " have: give a state function"):
        replace(loading, "state.o", "new.o", state(3))
    assert loading.eval("settled()") == before
    loading.exec("function('forget', '()')(); function('push', 'q(q)')(6); let_go()")
    other = compiled(STATE.replace("scaled", "renamed"), "-DSCALE=3", '-DSAID="a text"')
    with loading.raises("AddressInState", match="an address in .text of state.o that new.o does not have"):
        replace(loading, "state.o", "new.o", other)
    assert loading.eval("(function('sum', 'q()')(), function('apply', 'q(q)')(1))") == (11, 2)
    loading.exec("let_go()")
    replace(loading, "state.o", "new.o", other, ", lambda old, new: None")
    assert loading.eval("function('sum', 'q()')()") == 0


def test_sections_of_one_name_keep_apart(loading):
    """Each is carried to its own, in the order in which they are in the file."""
    source = ".globl f; f: mov one(%rip), %rax; sub two(%rip), %rax; ret\n" + "".join(
        f'.section .data.x,"aw",@progbits,unique,{n}\n{name}: .quad {n}{n}, {name}\n'
        for n, name in ((7, "one"), (2, "two"))
    )
    loading.load({"old.o": compiled(source, ending=".S")})
    replace(loading, "old.o", "new.o", compiled(source.replace(".quad 77", ".quad 1"), ending=".S"))
    assert loading.eval("function('f', 'q()')()") == 77 - 22


def test_what_a_user_has_stored_in_the_place_of_an_address_stays(loading):
    """A pointer that began as `used`, and that the user has changed since, is not the loader's to change."""
    user = """
    extern long used(long);
    static long mine(long a) { return 100 + a; }
    long (*first)(long) = used, (*second)(long) = used;
    void change(void) { second = mine; }
    long both(long a) { return first(a) * 1000 + second(a); }
    """
    loading.load({"used.o": compiled(USED), "user.o": compiled(user)})
    loading.exec("function('change', '()')(); let_go()")
    replace(loading, "used.o", "new.o", compiled(USED.replace("a + 1", "a + 2")))
    assert loading.eval("function('both', 'q(q)')(1)") == 3000 + 101
    replace(loading, "new.o", "used.o", compiled(USED))
    assert loading.eval("function('both', 'q(q)')(1)") == 2000 + 101


REGISTRY = """
extern long used(long);
static long (*handler)(long), (*volatile source)(long) = used;
void keep(void) { handler = source; }
void lose(void) { handler = 0; }
long handled(long a) { return handler(a); }
"""


def test_the_old_one_stays_while_an_address_of_it_is_among_somebodys_data(loading):
    """A handler that was registered when it ran: no relocation, and nobody holds a function."""
    loading.load({"used.o": compiled(USED), "user.o": compiled(REGISTRY)})
    loading.exec("function('keep', '()')(); let_go()")
    replace(loading, "used.o", "new.o", compiled(USED.replace("a + 1", "a + 2")))
    assert loading.eval("function('handled', 'q(q)')(1)") == 2
    loading.exec("let_go()")
    loading.load({"more.o": compiled("long more;")})
    assert loading.eval("[each.name for each in objects.loaded()]") == ["used.o", "user.o", "new.o", "more.o"]
    loading.exec("function('lose', '()')(); let_go(); objects.unload('more.o')")
    assert loading.eval("[each.name for each in objects.loaded()]") == ["user.o", "new.o"]
    assert loading.eval("function('used', 'q(q)')(1)") == 3


CALLS = """
extern long used(long);
long (*call)(long);
long *place;
long used(long a) { return call(a) + OWN; }
long touch(long a) { return *place + a; }
"""
DURING = """
from loader.callbacks import callback
def change(a):
    names = []
    for step in changes:
        try:
            step()
        except objects.ObjectHeld as refusal:
            names.append(str(refusal))
    refusals.append(names)
    return 7 * a
changes, refusals = [], []
called = callback(change, 'q(q)')
"""


@pytest.fixture
def calling(kernel):
    """`called`, a callback that makes the `changes`; its page of thunks stays, so it is made before others count."""
    kernel.exec(PRELUDE + DURING)


def test_under_a_callback_code_stays_where_it_is(calling, loading):
    """user() calls used(), which calls Python, which replaces used(): both return to what was there."""
    loading.load({"used.o": compiled(CALLS, "-DOWN=1"), "user.o": compiled(USER), "more.o": compiled("long more;")})
    loading.exec(f"new = 'new.o', {compiled(CALLS, '-DOWN=2')!r}")
    loading.exec("""
        changes = [lambda: objects.replace('used.o', new), lambda: objects.unload('more.o')]
        with symbol('call').mapped_pages.as_slice_mut('Q', symbol('call').offset, 1) as view:
            view[0] = called.address
        user = function('user', 'q(q)')
        """)
    assert loading.eval("user(3)") == 10 * (21 + 1)
    words = "more.o: machine code is running, and may come back to it: unload it afterwards"
    assert loading.eval("refusals") == [[words]]
    assert loading.eval("[each.name for each in objects.loaded()]") == ["used.o", "user.o", "more.o", "new.o"]
    loading.exec("changes.clear()")
    assert loading.eval("user(3)") == 10 * (21 + 2)
    loading.exec("objects.unload('more.o')")
    assert loading.eval("[each.name for each in objects.loaded()]") == ["user.o", "new.o"]
    loading.exec("let_go(); called.release(); del user, called, change, changes")


def test_where_a_fault_is_answered_code_stays_where_it_is(loading):
    loading.load({"used.o": compiled(CALLS, "-DOWN=1"), "more.o": compiled("long more;")})
    loading.exec("""
        from faults import on_fault
        pages, refusals = memory.allocate_pages(1), []
        def answer(fault):
            try:
                objects.unload('more.o')
            except objects.ObjectHeld as refusal:
                refusals.append(str(refusal))
            return False
        handler = on_fault(pages, answer)
        with symbol('place').mapped_pages.as_slice_mut('Q', symbol('place').offset, 1) as view:
            view[0] = pages.start_address.value
        """)
    with loading.raises("PageFault", match="by used.o .text touch"):
        loading.eval("function('touch', 'q(q)')(3)")
    assert loading.eval("refusals") == [
        "more.o: machine code is running, and may come back to it: unload it afterwards"
    ]
    loading.exec("handler.cancel(); let_go(); pages.drop()")
    loading.exec("objects.unload('more.o'); del pages, handler, answer")
    assert loading.eval("[each.name for each in objects.loaded()]") == ["used.o"]
