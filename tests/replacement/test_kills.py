"""Whenever the machine is killed, the disk has pages that were written, and all that a returned sync() promised."""

import itertools

import kills
import pytest

SEEDS = 1001, 1002, 1003


@pytest.mark.parametrize("seed", SEEDS)
def test_a_page_is_the_old_one_or_the_new_one(seed, tmp_path):
    counts, wrong = kills.judge(seed, *kills.kill(seed, tmp_path))
    assert wrong == []
    assert counts["pages"] == kills.PAGES


def test_the_judge_tells_torn_stale_and_foreign_pages():
    """It says so of a disk that is as it has to be but for one page."""
    pages = list(itertools.islice(kills.written_pages(7), 500))
    last = {page: version for version, page in enumerate(pages, 1)}
    whole = b"".join(kills.content(page, last[page]) for page in range(kills.PAGES))
    assert kills.judge(7, whole, 500) == ({"pages": kills.PAGES, "pages newer than promised": 0}, [])
    written = [version for version, page in enumerate(pages, 1) if page == 0]
    for found, promised, why in (
        (kills.content(0, written[-1])[:2048] + kills.content(0, written[-2])[2048:], 500, "none that was written"),
        (kills.content(0, written[-2]), 500, f"has version {written[-2]}, and sync() has promised {written[-1]}"),
        (kills.content(0, written[-1] + 1), 500, "none that was written"),
        (kills.content(1, written[-1]), 500, "none that was written"),
        (kills.content(0, 0), written[0], f"has version 0, and sync() has promised {written[0]}"),
    ):
        _, wrong = kills.judge(7, found + whole[kills.PAGE :], promised)
        assert [why in text for text in wrong] == [True]
    old = kills.content(0, written[-2]) + whole[kills.PAGE :]
    assert kills.judge(7, old, written[-1] - 1)[1] == []
