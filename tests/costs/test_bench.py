"""The benchmark: exact counts, so that a difference means a change."""

import json

import bench
import pytest
from harness.guard import COUNTS

pytestmark = COUNTS


def test_two_runs_of_one_kernel_agree_exactly():
    first = bench.run_rows("function")
    assert first == bench.run_rows("function")
    assert all(row["instructions"] > 0 for row in first.values())
    assert len(first) >= 2


@pytest.mark.parametrize(("now", "worse"), [(104.0, []), (106.0, ["row"])])
def test_comparing_finds_rows_that_got_worse(tmp_path, capsys, now, worse):
    for name, instructions in (("old", 100.0), ("new", now)):
        rows = {"row": {"instructions": instructions, "bytes": 0.0}}
        (tmp_path / name).write_text(json.dumps({"commit": "x", "rows": rows}))
    assert bench.compare(tmp_path / "old", tmp_path / "new", limit=5.0) == worse
    assert f"{now - 100:+.1f} %" in capsys.readouterr().out
