"""The check of the host after each test."""

import pytest
from harness.aliases import check_aliases
from on_target import source


class NoMark:
    """A test without marks."""

    @staticmethod
    def get_closest_marker(_):
        return None


@pytest.mark.writable_executable("that is what is planted")
def test_the_check_after_each_test_finds_what_a_test_has_left(kernel):
    kernel.exec(source("memory/prelude"))
    check_aliases(kernel.guest, NoMark)
    kernel.exec("m = memory.create_mapping(4096, WRITE.executable(True), override='a test')")
    with pytest.raises(AssertionError, match="1 runs of RAM are writable and executable"):
        check_aliases(kernel.guest, NoMark)
