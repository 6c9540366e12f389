"""What tests of the natives have."""

import pytest


@pytest.fixture
def open_window(kernel):
    """The physical window is open, if GUARD=1 has it guarded: natives store there themselves."""
    kernel.exec("from paging.guard import opened\n_open = opened()\n_open.__enter__()")
    yield
    kernel.exec("_open.__exit__(None, None, None)")
