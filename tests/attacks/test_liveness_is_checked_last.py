"""What converts an argument may run Python, and Python may end the view: so a view is asked last, after that.

Else it would read or write what the next owner has at the same place.
"""

import pytest

SETUP = """
import uctypes
from faults import on_fault
SECRET, MINE = 0x5e, 0x11
def filled(byte):
    "A page full of a byte, at the first free place."
    m = create_mapping(4096, WRITE)
    with m.as_slice_mut("B") as v:
        v[:] = bytes([byte]) * 4096
    return m
def begin(code="B"):
    global m, v, other
    m = filled(MINE)
    v = m.as_slice_mut(code)
    other = None
def replace():
    "The view and its mapping end, and somebody else is mapped at their place."
    global other
    v.release()
    where = m.start_address
    m.drop()
    other = filled(SECRET)
    assert other.start_address == where
class Evil:
    "A number that ends the view when it is asked for."
    def __int__(self):
        replace()
        return 1
    __index__ = __int__
    def __float__(self):
        replace()
        return 1.0
class Late:
    "Elements that end the view when they are fetched."
    def __iter__(self):
        replace()
        return iter([1] * 4)
LAZY = VirtualAddress(LOW)
def lazily(fault):
    global lazy
    replace()
    lazy = create_mapping_at(LAZY, 8192, WRITE)
    return True
def lazy_buffer():
    return uctypes.bytearray_at(LOW, 4096)
def end():
    "Whether the other's page is as it was."
    untouched = True
    if other is not None:
        with other.as_slice("B") as found:
            untouched = found[:] == bytes([SECRET]) * 4096
        other.drop()
    else:
        v.release()
        m.drop()
    return untouched
"""

ACTS = [
    "v[Evil()]",
    "v[Evil()] = 7",
    "v[3] = Evil()",
    "v[Evil():9]",
    "v[0:Evil()]",
    "v[1::Evil()]",
    "v[Evil():3] = b'abcdefgh'",
    "v[0:4] = Late()",
    "v.copy_from(Late())",
    "v.copy_from([1, Evil(), 3])",
    "v.copy_from(bytes(64), Evil())",
    "v.copy_to(bytearray(64), Evil())",
]
REFUSED = {"UseAfterRelease", "UseAfterUnmap"}


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


@pytest.mark.parametrize("code", ["B", "I", "d"])
def test_a_conversion_that_ends_the_view_reaches_nobody_else(kernel, code):
    kernel.exec(f"""
        answers = {{}}
        for act in {ACTS!r}:
            begin({code!r})
            name = refused(exec, act, globals())
            answers[act] = name, end(), "not reached" if other is None else ""
        m = v = other = None
        """)
    answers = kernel.eval("answers")
    assert {act for act, (name, _, _) in answers.items() if name not in REFUSED | {"TypeError"}} == set()
    assert {act for act, (_, untouched, _) in answers.items() if not untouched} == set(), "somebody else's page changed"
    reached = {act for act, (name, _, missed) in answers.items() if not missed and name in REFUSED}
    assert {"v[Evil()]", "v[0:4] = Late()", "v.copy_from(Late())"} <= reached
    kernel.adds_up()


def test_a_fields_value_that_ends_the_view_reaches_nobody_else(kernel):
    kernel.exec("""
        layout = {"byte": 0 | uctypes.UINT8, "half": 2 | uctypes.UINT16, "word": 8 | uctypes.UINT64,
                  "bits": uctypes.BFUINT32 | 16 | 3 << uctypes.BF_POS | 5 << uctypes.BF_LEN,
                  "real": 24 | uctypes.FLOAT64}
        answers = {}
        for field in layout:
            begin()
            v.release()
            v = m.as_type_mut(layout)
            name = refused(setattr, v, field, Evil())
            answers[field] = name, end(), other is not None
        m = v = other = None
        """)
    answers = kernel.eval("answers")
    # A whole number is asked nothing, so nothing can come of it; a real one is asked for its float.
    name, untouched, was_asked = answers.pop("real")
    assert was_asked
    assert name in REFUSED
    assert untouched, "somebody else's page changed"
    assert set(answers.values()) == {("TypeError", True, False)}
    kernel.adds_up()


def test_a_fault_handler_that_ends_the_view_amid_a_copy_reaches_nobody_else(kernel):
    """The other side of the copy is mapped when it is touched, by a handler that has the view's mapping go first."""
    kernel.exec("""
        answers = {}
        for act in "v.copy_from(lazy_buffer())", "v.copy_to(lazy_buffer())", "v[:] = lazy_buffer()":
            begin()
            lazy = None
            handler = on_fault(pages_from(at(LOW), 1), lazily)
            name = refused(exec, act, globals())
            handler.cancel()
            with lazy.as_slice("B") as found:
                leaked = SECRET in found[:]
            lazy.drop()
            answers[act] = name, end(), leaked
        m = v = other = lazy = handler = found = None
        """)
    answers = kernel.eval("answers")
    assert {name for name, _, _ in answers.values()} <= REFUSED
    assert all(untouched for _, untouched, _ in answers.values()), "the next owner's page was written to"
    assert not any(leaked for _, _, leaked in answers.values()), "the next owner's page was read"
    kernel.adds_up()
