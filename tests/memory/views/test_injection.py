"""Whatever fails at whatever point of making, using and ending views: the list of borrows is whole.

The n-th allocation fails, Ctrl-C is pressed or a callback borrows at the n-th check, for every n until the operation
runs through undisturbed.
"""

import pytest

OPERATIONS = {
    "as_slice": "made.append(mapping.as_slice_mut('B', 16, 64))",
    "two views and a conflict": """
        made.append(mapping.as_slice('B', 0, 4)); made.append(mapping.as_slice('B', 2, 4))
        try: mapping.as_slice_mut('B', 3, 1)
        except AlreadyBorrowed: pass""",
    "as_type and its parts": """
        inner = {'b': (uctypes.ARRAY | 0, 4 | uctypes.UINT8)}
        made.append(mapping.as_type_mut({'a': uctypes.UINT32 | 0, 's': (8, inner)}, 64))
        made[0].a = 5; made[0].s.b[:] = b'abcd'""",
    "assignment from a list": "made.append(mapping.as_slice_mut('H', 0, 8)); made[0][:] = [1, 2, 3, 4, 5, 6, 7, 8]",
    "with": """
        with mapping.as_slice_mut('B') as view:
            for index in range(3): view[index] = index""",
    "refused drop": """
        made.append(mapping.as_slice('B'))
        try: mapping.drop()
        except StillBorrowed: pass""",
    "borrowed and back": """
        made.append(mapping.into_borrowed_slice_mut('B', 0, 8)); made[0][1] = 1
        mapping = made[0].into_inner()""",
    "remap in between": """
        mapping.as_slice('B').release()
        mapping.remap(PteFlags())
        made.append(mapping.as_slice('B'))""",
    "raw buffer": "made.append(mapping.as_slice('B', 0, 8)); bytes(made[0])",
}
TROUBLE = {
    "no memory": ("_inject.fail_allocation(n)", "_inject.fail_allocation(0)"),
    "Ctrl-C": ("_inject.interrupt(n)", "_inject.interrupt(0)"),
    "a callback that borrows": ("_inject.call(n, borrow)", "_inject.interrupt(0)"),
}
TRIAL = """
import _inject
def borrow(_):
    try: extra.append(mapping.as_slice('B', 4096, 1))
    except KernelError: pass
def run(n):
    global mapping, made, extra
    arm(n)
    try:
        operation()
    except (MemoryError, KeyboardInterrupt, StillBorrowed, AlreadyBorrowed):
        pass
    return disarm()
def owner_of(thing):
    return thing.into_inner() if isinstance(thing, Borrowed) and thing else None
def tries():
    global mapping, made, extra
    n, left = 1, 0
    while left == 0 and n < 20000:
        mapping, made, extra = create_mapping(8192, RW), [], []
        try:
            left = run(n)
            for wait in range(3): pass
        except KeyboardInterrupt:
            left = disarm()
        lease = mapping._state[3]
        listed = lease.borrows() if lease is not None else []
        assert all(view.is_live for view in listed), "a dead view is listed"
        for view in made + extra:
            listed_or_dead = isinstance(view, Borrowed) or not view.is_live or view in listed
            assert listed_or_dead, "a live view is not listed"
        listed = view = None
        for thing in made:
            if isinstance(thing, Borrowed):
                if thing: mapping = thing.into_inner()
            else: thing.release()
        for thing in extra: thing.release()
        made, extra, thing, lease = [], [], None, None
        if mapping:
            try: mapping.drop()
            except StillBorrowed as error:
                for view in error.borrows: view.release()
                view = error = None
                mapping.drop()
        else: gc.collect()
        n += 1
    return n
"""


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_half_borrowed(memory_kernel, operation, trouble):
    arm, disarm = TROUBLE[trouble]
    source = OPERATIONS[operation].strip().replace("\n        ", "\n    ")
    memory_kernel.exec("from memory.views.borrowed import Borrowed\n" + TRIAL)
    memory_kernel.exec(
        f"def operation():\n    global mapping\n    {source}\ndef arm(n): {arm}\ndef disarm(): return {disarm}"
    )
    tried = memory_kernel.eval("tries()", timeout=120)
    assert 2 <= tried < 20000, "there was at least one chance"
    memory_kernel.exec("mapping = None")
