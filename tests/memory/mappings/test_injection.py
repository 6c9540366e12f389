"""All or nothing: trouble at every single point of every mapping call leaves things as before or as after.

The n-th allocation of Python's heap fails, the n-th request for frames or pages finds nothing, Ctrl-C or a scheduled
callback arrives at the n-th place where MicroPython looks for it: for every n until the call comes to its end
untroubled, but for the middle of long ones (STRIDE in on_target/memory/injection.py). Compared are the allocators'
counts, the bytes of the page tables, the owners, and the audit.
"""

import pytest
from harness.trials import tried
from on_target import source

OPERATIONS = [
    "map to frames that do not touch",
    "create_mapping",
    "create_mapping of many",
    "create_mapping of huge pages",
    "create_mapping_at",
    "create_mapping_at of the lower half",
    "create_mapping_at of many",
    "map_allocated_pages",
    "map_allocated_pages_to",
    "map into the lower half",
    "map_shared",
    "create_contiguous_mapping",
    "map_frame_range",
    "create_identity_mapping",
    "Stack",
    "a call on a Stack",
    "remap",
    "merge",
    "split",
    "split a huge page",
    "unmap_into_parts",
    "drop",
    "drop of many",
    "deep_copy",
    "drop of one user of shared frames",
    "remap of a user of shared frames",
    "drop of shared frames",
    "into_frames",
    "new_table",
    "switch_to",
    "drop of a table",
]


@pytest.fixture
def injected(kernel):
    kernel.exec(source("memory/prelude"))
    kernel.exec(source("memory/injection"))
    kernel.exec("at_start = state()")
    yield kernel
    assert kernel.eval("state()") == kernel.eval("at_start")


def test_all_operations_are_listed(injected):
    assert sorted(injected.eval("list(OPERATIONS)")) == sorted(OPERATIONS)


def a_failed_allocation(injected, operation):
    assert tried(injected, f"fail_allocations({operation!r})") >= 1


def ctrl_c(injected, operation):
    assert tried(injected, f"interrupt({operation!r})") > 3


def a_scheduled_callback(injected, operation):
    assert tried(injected, f"call_back({operation!r})") > 3


def a_stack_that_is_nearly_full(injected, operation):
    """Each call is made from every depth, down to where Python gives up."""
    injected.exec(
        f"""
        import _critical
        trial = Trial({operation!r})
        owners = [trial.prepare()]
        outcomes = []
        def deeper(n):
            try:
                made = trial.act(owners[-1])
                outcomes.append(None)
                return made
            except RuntimeError as error:
                outcomes.append(str(error))
                raise
        def dig(n, bottom):
            return deeper(n) if n == bottom else dig(n + 1, bottom)
        wrong = []
        low, high = 1, 4000
        while high - low > 1:  # find the deepest call that comes to its end
            bottom = (low + high) // 2
            try:
                made = dig(0, bottom)
                low = bottom
                give_back(made, owners[-1])
                owners[-1] = trial.prepare()
                made = None
            except RuntimeError:
                high = bottom
        for bottom in range(low - 3, low + 12):
            before = snapshot(owners[-1])
            made = None
            try:
                made = dig(0, bottom)
                give_back(made, owners[-1])
                owners[-1] = trial.prepare()
            except RuntimeError:
                if differences(before, snapshot(owners[-1])):
                    wrong.append((bottom, differences(before, snapshot(owners[-1]))))
            if _critical.depth():
                wrong.append((bottom, "the guard is held"))
        give_back(None, owners[-1])
        del owners, made
        """,
        timeout=120,
    )
    assert injected.eval("(wrong, None in outcomes)") == ([], True)


def want_of_frames_or_pages(injected, operation):
    assert tried(injected, f"starve({operation!r})") >= 1


# The last one has its own functions in place of the allocators' from then on.
TROUBLES = (
    a_failed_allocation,
    ctrl_c,
    a_scheduled_callback,
    a_stack_that_is_nearly_full,
    want_of_frames_or_pages,
)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_trouble_at_every_point_leaves_all_as_before_or_as_after(injected, operation):
    """All kinds of it in one machine, which has read the operations once."""
    for trouble in TROUBLES:
        trouble(injected, operation)
        assert injected.eval("state() == at_start"), trouble.__name__
