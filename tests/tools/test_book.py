"""The book's site: made without a warning, and no link in it leads nowhere."""

import book


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "a.html").write_text('<p id="here"><a href="b.html#there">b</a> <a href="#here">here</a></p>')
    (tmp_path / "b.html").write_text('<p id="there"><a href="https://example.org">far</a></p>')
    assert book.dead_links(tmp_path) == []
    (tmp_path / "b.html").write_text('<p id="elsewhere"><img src="c.svg"></p>')
    assert book.dead_links(tmp_path) == ["a.html: b.html#there", "b.html: c.svg"]
