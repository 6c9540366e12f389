"""What is said of four levels of page tables is so of five: some tests again, on machines that have them.

`make test PAGING=5` runs all again; these are of each kind: tables, faults, owners, attacks.
"""

import os
import re
import subprocess
import sys

import machine
import pytest

TLB = "tests/faults/test_tlb.py::test_"
CHOSEN = [
    "tests/paging/test_conformance.py",
    "tests/paging/test_techniques.py",
    "tests/paging/test_oracle.py::test_three_views_agree_after_a_random_sequence[0]",
    "tests/boot/test_clean_table.py::test_the_window_shows_all_memory_and_the_image_read_only",
    "tests/memory/mappings/test_tables.py",
    "tests/memory/audit/test_entries.py::test_a_table_lies_in_ram_is_not_free_and_hangs_in_one_place",
    "tests/attacks/test_kernel_in_use.py::test_under_an_entry_that_was_lent_the_kernels_table_it_is_the_kernel",
    TLB + "a_remapped_page_shows_the_old_frame_until_it_is_flushed",
    TLB + "a_table_taken_away_is_missed_only_where_nothing_is_cached",
    TLB + "invalidating_any_address_in_a_large_page_flushes_it",
    TLB + "a_probe_leaves_the_machine_as_it_was",
    "tests/shell/test_shown_paging.py::test_dump_in_qemus_style_is_qemus_own_list",
]
LEAST = 40


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_with_five_levels():
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *CHOSEN]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=machine.ROOT, env=environment | {"PAGING": "5"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= LEAST
