"""After every act of a random program, the other CPU reads and writes what is mapped, and faults elsewhere."""

import ast

import pytest
from on_target import source

STEPS = 60


def ran(kernel, seed, steps):
    kernel.exec(source("processors/random_acts"))
    return ast.literal_eval(kernel.text(f"Seen({seed}).run({steps})", timeout=60))


@pytest.mark.parametrize("seed", range(4))
def test_two_cpus_see_the_same(pair, seed):
    assert ran(pair, seed, STEPS) == (STEPS, [], [])
