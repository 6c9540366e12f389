"""Whatever fails at whatever point of loading, replacing and unloading: it is done, or nothing of it is.

The n-th allocation fails, or Ctrl-C is pressed at the n-th check, until the operation runs through undisturbed.
"""

import pytest
from harness.objects import compiled
from loader.sources import USED, USER

TROUBLE = {"no memory": "fail_allocation", "Ctrl-C": "interrupt"}
# Operation: (what is done before, what is done, the names of what may be loaded afterwards).
OPERATIONS = {
    "load": ("", "objects.load(files)", [[], ["used.o", "user.o"]]),
    "replace": ("objects.load(files)", "objects.replace('used.o', new)", [["used.o", "user.o"], ["new.o", "user.o"]]),
    "unload": ("objects.load(files)", "objects.unload('used.o', 'user.o')", [["used.o", "user.o"], []]),
}
STEP = {"no memory": 5, "Ctrl-C": 23}
TRIALS = """
import _inject
TROUBLES = MemoryError, KeyboardInterrupt
from loader.places import REGION
def is_region_free():
    return memory.page_allocator.pool.taken_in(REGION.first_number, REGION.last_number) is None
def attempt(arm, n, operation):
    try:
        arm(n)
        operation()
    except TROUBLES:
        pass
    return arm(0)
def trials(arm, before, operation, allowed, step):
    n, seen = 1, []
    while n < 100000:
        before()
        left = 0
        try:
            left = attempt(arm, n, operation)
        except TROUBLES:  # between the end of the operation and the next line
            pass
        gc.collect()
        names = sorted([each.name for each in objects.loaded() if not each.is_replaced])
        if names not in allowed or sorted(objects.OBJECTS.objects) != names:
            return n, "loaded: %s" % names
        if names not in seen:
            seen.append(names)
        if names:
            calls = function("user", "q(q)")(1)
            if calls != (30 if "new.o" in names else 20):
                return n, "user(1) is %d" % calls
            let_go()
            objects.unload(*names)
        gc.collect()
        if memory.verify().violations or objects.loaded() or not is_region_free():
            return n, "%s left behind, %s" % (objects.loaded(), memory.verify().violations)
        if left:
            return sorted(seen)
        n += step
"""


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("what", OPERATIONS)
def test_it_is_done_or_nothing_of_it_is(loading, what, trouble):
    before, operation, allowed = OPERATIONS[what]
    loading.exec(TRIALS)
    loading.exec(f"files = {[('used.o', compiled(USED)), ('user.o', compiled(USER))]!r}")
    loading.exec(f"new = 'new.o', {compiled(USED.replace('a + 1', 'a + 2'))!r}")
    arguments = f"lambda: {before or None}, lambda: {operation}, {allowed!r}, {STEP[trouble]}"
    found = loading.eval(f"trials(_inject.{TROUBLE[trouble]}, {arguments})", timeout=120)
    assert found == sorted(allowed)
