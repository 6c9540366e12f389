"""The other machine, whose TLB forgets nothing by chance: rows of the others, on one boot of it."""

import pytest
from on_target import source
from processors import litmus_rows, rows, shootdown_rows, swapped_rows
from processors.test_random import ran

HERE = (
    rows.an_unflushed_change_is_not_seen,
    rows.a_range_is_exactly_that,
    rows.everything_includes_global_pages,
    rows.global_pages_outlive_a_reload,
    rows.who_is_parked_is_left_alone,
    rows.who_was_parked_forgets,
    rows.a_handler_answers_a_fault,
)
"""What an emulator may show otherwise; the rest is about Python and the mailbox."""


@pytest.mark.bochs
@pytest.mark.slow
def test_all_rows(bochs_pair):
    for row in (*HERE, *shootdown_rows.ROWS, *swapped_rows.ROWS):
        row(bochs_pair)
    shootdown_rows.no_dirty_bit_is_lost(bochs_pair, 20)
    assert ran(bochs_pair, seed=7, steps=12) == (12, [], [])
    bochs_pair.exec(source("processors/rounds"))
    assert bochs_pair.eval("rounds(300, 60000)", timeout=100) == 300
    litmus_rows.begin(bochs_pair)
    litmus_rows.what_is_shown_is_allowed(bochs_pair, runs=100, names=litmus_rows.DIFFERENT)
    litmus_rows.a_shootdown_that_is_left_out_is_found(
        bochs_pair, runs=100, names=("shootdown-remap", "shootdown-clean")
    )
