"""What is said of four levels of page tables is so of five: some tests again, on machines that have them.

`make test PAGING=5` runs all again; these are of each kind: tables, faults, owners, attacks.
"""

import os
import re
import subprocess
import sys

import machine
import pytest

CHOSEN = {
    "tables": [
        "tests/paging/test_conformance.py",
        "tests/paging/test_techniques.py",
        "tests/paging/test_oracle.py::test_three_views_agree_after_a_random_sequence[0]",
        "tests/boot/test_clean_table.py::test_the_window_shows_all_memory_and_the_image_read_only",
    ],
    "owners and faults": [
        "tests/memory/mappings/test_tables.py",
        "tests/memory/audit/test_entries.py::test_a_table_lies_in_ram_is_not_free_and_hangs_in_one_place",
        "tests/attacks/test_kernel_in_use.py::test_under_an_entry_that_was_lent_the_kernels_table_it_is_the_kernel",
        "tests/faults/test_tlb.py",
        "tests/shell/test_shown_paging.py::test_dump_in_qemus_style_is_qemus_own_list",
    ],
}
LEAST = 25


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", CHOSEN)
def test_the_same_with_five_levels(kind):
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *CHOSEN[kind]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=machine.ROOT, env=environment | {"PAGING": "5"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= LEAST
