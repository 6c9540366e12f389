"""Random operations never make two owners of one number, never lose one, and never leave a free run in two pieces.

The generator is seeded, not Hypothesis: every operation is checked against the whole oracle as it happens, so there is
nothing to shrink but the number of operations; and the same file runs in the kernel, where Hypothesis can't.
"""

import pytest
from harness import unix_port
from on_target import source

OPERATIONS_PER_SEED = 28_000  # times four: more than 100,000 in each `make test`


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_random_operations_agree_with_a_set_of_numbers(seed):
    output = unix_port.run(unix_port.TARGET / "allocator_model.py", seed, OPERATIONS_PER_SEED, heap="4m")
    assert output == f"{OPERATIONS_PER_SEED} operations from seed {seed}\n"


def test_random_operations_agree_in_the_kernel_too(kernel):
    kernel.exec(source("unix_port/allocator_model"))
    assert kernel.eval("main(5, 3000)", timeout=100) == "3000 operations from seed 5"


def test_the_oracle_finds_an_allocator_that_hands_out_what_is_taken(tmp_path):
    code = """
        from allocator_model import *
        model = next(models())
        def forgetful(count):
            owner = PageAllocator.allocate(model.allocator, count)
            from memory import runs
            runs.give(model.arena.tree, owner.first_number << 1, 1)
            return owner
        model.allocator.allocate = forgetful
        random.seed(1)
        try:
            model.run(1000)
        except AssertionError as error:
            print("found:", error.args[0] if error.args else "")
    """
    assert unix_port.run_code(tmp_path, code).startswith("found:")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_trees_invariants_hold_after_every_step(seed):
    assert unix_port.run(unix_port.TARGET / "run_tree_invariants.py", seed, 3000, heap="4m") == "ok\n"
