"""What the tests of the allocators share."""

import pytest
from harness import unix_port


@pytest.fixture
def check(tmp_path):
    """Run statements on a small machine (on_target/unix_port/small_machine.py); they fail by AssertionError."""
    return lambda code: unix_port.run_code(tmp_path, "from small_machine import *\n" + unix_port.textwrap.dedent(code))
