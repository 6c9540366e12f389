"""What the tests of mappings share."""

import pytest
from on_target import source


@pytest.fixture
def owned(kernel):
    """A kernel with the prelude; at the end every frame and page is back, and the audit is clean."""
    kernel.exec(source("memory/prelude"))
    kernel.exec("before = state()")
    yield kernel
    assert kernel.eval("memory.verify().violations") == []
    assert kernel.eval("state()") == kernel.eval("before")
