"""What the tests of the audit share: kinds of damage are planted on a live kernel, by the paging layer or straight into
an entry, seen by name, and undone; then all is well again."""

import pytest
from on_target import source


@pytest.fixture
def audited(kernel):
    """A kernel in which damage can be planted; at the end, all is well."""
    kernel.exec(source("memory/prelude"))
    kernel.exec(source("memory/damage"))
    assert kernel.eval("memory.verify().violations") == []
    yield kernel
    assert kernel.eval("memory.verify().violations") == []


@pytest.fixture
def said(audited):
    """A function that returns the violations that an expression evaluates to, as one text."""
    return lambda expression: "\n".join(audited.eval(expression, timeout=60))
