"""The book's site: made without a warning, and no link in it leads nowhere."""

import re

import book
import pytest
import surface
from bs4 import BeautifulSoup


def letters(text):
    """Return the letters of a text alone: not how it is broken or marked up."""
    return re.sub(r"\W", "", text)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_site_has_every_chapter_command_and_docstring(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "SOURCES", tmp_path / "docs")
    monkeypatch.setattr(book, "SITE", book.BUILD / "site-of-test")
    monkeypatch.setattr(book, "DOCTREES", tmp_path / "doctrees")
    book.make_site()
    for chapter in (book.DOCS / "book").glob("*.md"):
        assert (book.SITE / "book" / f"{chapter.stem}.html").exists()
    assert 'id="walk"' in (book.SITE / "commands.html").read_text()
    for page, entries in surface.surface():
        file = book.SITE / "reference" / page.page.replace(".", "/") / "index.html"
        said = letters(BeautifulSoup(file.read_text(), "html.parser").get_text())
        for each in [page, *(each for entry in entries for each in (entry, *entry.members))]:
            assert letters(each.text) in said, f"{page.page}.{each.name}"


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "a.html").write_text('<p id="here"><a href="b.html#there">b</a> <a href="#here">here</a></p>')
    (tmp_path / "b.html").write_text('<p id="there"><a href="https://example.org">far</a></p>')
    assert book.dead_links(tmp_path) == []
    (tmp_path / "b.html").write_text('<p id="elsewhere"><img src="c.svg"></p>')
    assert book.dead_links(tmp_path) == ["a.html: b.html#there", "b.html: c.svg"]
