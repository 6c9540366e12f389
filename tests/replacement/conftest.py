"""A kernel with pages on few frames, and a store that fails when it is told to."""

import pytest
from on_target import source


@pytest.fixture
def swapped(kernel):
    """After each test the machine has what it had before."""
    kernel.exec(source("replacement/prelude"))
    yield kernel
    assert kernel.eval("verify().violations") == []
