"""Every public callable, called wrongly: the refusal names the argument, and nothing has changed.

The calls are generated (tests/on_target/attacks/malformed.py): over what the packages export, and wrong kinds and
values of arguments, wrong counts, dead and foreign objects. `make storms` makes 15,000 of them.
"""

import pytest
import storms

SAMPLE = 1500


def test_a_sample_of_malformed_calls_is_refused_by_name():
    done, wrong = storms.run(storms.MALFORMED, seed=1, count=SAMPLE)
    assert wrong == []
    assert done >= SAMPLE


# What fails inside, and what is said of it: the function that was called, its argument, and what it was.
NAMED = {
    "OffsetPageTable().map_to(page, frame, DATA, None)": "frame_allocator (NoneType)",
    "create_mapping(4096, WRITE).as_slice(5)": "type (int)",
    "create_mapping(4096, WRITE).as_slice('B', None)": "offset (NoneType)",
    "active_level_4_table(5)": "physical_memory_offset (int)",
    "memory.LoadedSection('x', 5)": "mapped_pages (int)",
    "memory.LoadedSection((1, 2), 5)": "mapped_pages (int)",
    "memory.LoadedSection('x', memory.allocate_frames(1))": "mapped_pages must be MappedPages, not AllocatedFrames",
    "memory.DeferredAllocAction({})": "arena (dict)",
    # A class's function with an object of another class: it is that object, whatever the words are about.
    "MappedPages.drop(5)": "self (int)",
    "MappedPages.deep_copy(memory.allocate_frames(1), flags=DATA)": "self (AllocatedFrames)",
    "PageTable.dump_pte(None, page)": "self (NoneType)",
    "type(K)._create_record([1], 1, 0)": "self (list)",
    "memory.Misaligned.__init__(5, '1', '2')": "self (int)",
    "memory.ReversedRange.__init__(Stranger, 1, 2)": "self (type)",
    "memory.ReversedRange.__init__(Stranger(), 1, 2)": "self (Stranger)",
}


@pytest.mark.parametrize("call", NAMED)
def test_an_error_of_the_insides_names_the_argument(attacked, call):
    attacked.exec("page, frame = at(LOW), Frame(0x100)\nclass Stranger: pass")
    name, said = attacked.eval(f"(refused(lambda: {call}), said)")
    assert name == "TypeError"
    assert NAMED[call] in said
    assert " or " not in said  # what nobody gave, and is None by default, say, is no wrong argument
    assert attacked.eval("len(repr(Stranger()))") > 0, "a stranger was taken apart"
    attacked.adds_up()


def test_what_was_named_in_an_error_is_forgotten_with_it(attacked):
    """An owner that was a wrong argument is given back once its user has forgotten it."""
    attacked.exec("def forget(): return refused(active_level_4_table, memory.allocate_frames(3))")
    assert attacked.eval("(forget(), 'AllocatedFrames' in said)") == ("TypeError", True)
    attacked.adds_up()


def test_what_has_no_elements_says_so(attacked):
    attacked.exec("""
        borrowed = create_mapping(4096, WRITE).into_borrowed({"word": 0})
        token, found = tlb.MapperFlush(), K.translate(VirtualAddress(WINDOW << 12))
        """)
    for name in "token", "found", "borrowed":
        assert attacked.eval(f"(refused(lambda: 5 in {name}), 'has no elements' in said)") == ("TypeError", True), name
    attacked.exec("borrowed.drop(); del borrowed, token, found")
    attacked.adds_up()


def test_the_function_that_was_called_is_named_not_one_inside(attacked):
    """frame_to_page() and its like are called deep inside: the words are those of the call that the user made."""
    attacked.eval("refused(memory.LoadedSection, 'x', 5)")
    assert attacked.eval("said").startswith("__init__(): mapped_pages (int) is of a wrong kind: 'int' object has no ")


LEFT_ALONE = {
    "an attribute that is not there": ("K.nothing_of_that_name", "AttributeError"),
    "what a user's own function does": ("[].nothing", "AttributeError"),
    "a user's function that is called back": ("K.with_(K, lambda other, own: other + 1)", "TypeError"),
    "a refusal that says it itself": ("K.map_shared(1, 2, 3)", "TypeError"),
}


@pytest.mark.parametrize("what", LEFT_ALONE)
def test_other_errors_stay_as_they_are(attacked, what):
    call, kind = LEFT_ALONE[what]
    name, said = attacked.eval(f"(refused(lambda: {call}), said)")
    assert name == kind
    assert "wrong kind" not in said


def test_asking_for_an_attribute_stays_a_question(attacked):
    """hasattr() and a default of getattr() want AttributeError, whoever raises it."""
    attacked.exec("m = create_mapping(4096, WRITE)\nb = m.into_borrowed({'word': 0})")
    assert attacked.eval("[hasattr(one, 'nothing') for one in (K, b, memory, memory.allocate_pages(1))]") == [False] * 4
    assert attacked.eval("getattr(b, 'str', 7)") == 7
    attacked.exec("b.drop()\nm = b = None")
    attacked.adds_up()
