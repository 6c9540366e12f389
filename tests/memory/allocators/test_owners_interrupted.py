"""A scheduled callback that uses the owner a call is about to consume: one of the two gets it, the other is refused."""

import pytest

SETUP = """
import micropython
owner = allocate_frames(4)
first = owner.first_number
beside = allocate_frames_at(Frame(first + 4).start_address, 2)
taken = []
def callback(_):
    owner.drop()
    taken.append(allocate_frames_at(Frame(first).start_address, 4))
def interrupted(call, *arguments):
    # The callback runs at the first jump, which is inside the call.
    answer = []
    micropython.schedule(callback, 0)
    try:
        call(*arguments)
    except Exception as error:
        answer.append(type(error).__name__)
    return answer
"""
CALLS = {
    "drop": ("owner.drop", "UseAfterMove"),
    "merge another into it": ("owner.merge, beside", "UseAfterMove"),
    "merge it into another": ("beside.merge, owner", "UseAfterMove"),
    "split": ("owner.split, Frame(first + 2)", "Reentered"),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_owner_that_a_callback_drops_is_not_given_back_twice(memory_kernel, name):
    call, error = CALLS[name]
    memory_kernel.exec(SETUP)
    answer = memory_kernel.eval(f"interrupted({call})")
    assert memory_kernel.eval("len(taken)") == 1
    assert answer == [error]
    assert memory_kernel.eval("(len(taken[0]), taken[0].first_number == first, bool(owner), len(beside))") == (
        4,
        True,
        False,
        2,
    )
    memory_kernel.exec("""
        try:
            print("handed out twice", allocate_frames_at(Frame(first).start_address, 1))
        except AddressInUse:
            pass
        """)
    assert memory_kernel.eval("verify().violations") == []
