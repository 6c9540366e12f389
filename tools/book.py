#!/usr/bin/env python3
"""Make the book: `make docs` types every chapter on a fresh machine, and writes a static site to build/site.

    tools/book.py [--site] [--transcripts]       one half of it; without options both

Sphinx's warnings are errors, and so are links within the site that lead nowhere.
"""

import argparse
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urlparse

import reference
from machine import BUILD, ROOT
from say import say, stop

DOCS, SOURCES, SITE = ROOT / "docs", BUILD / "docs", BUILD / "site"


def make_site():
    """Write build/site. Raises SystemExit with what Sphinx said, or with the links that lead nowhere."""
    shutil.copytree(DOCS, SOURCES, dirs_exist_ok=True)
    for gone in [path for path in SOURCES.rglob("*.md") if not (DOCS / path.relative_to(SOURCES)).exists()]:
        gone.unlink()
    reference.write(SOURCES / "api")
    shutil.rmtree(SITE, ignore_errors=True)
    words = ["-q", "--fail-on-warning", "-b", "html", "-d", str(BUILD / "doctrees"), str(SOURCES), str(SITE)]
    if subprocess.run([sys.executable, "-m", "sphinx", *words], check=False).returncode:
        stop("Sphinx complained (see above): there is no site")
    if wrong := dead_links(SITE):
        stop("links that lead nowhere: " + "; ".join(wrong))
    say(f"the book is in {SITE.relative_to(ROOT)}: open index.html there")


class Links(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.places = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Take down one element's links and its name."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.add(value)
            elif name == "id":
                self.places.add(value)


def dead_links(site):
    """Return the links of a static site, as "page: link", that lead to no file or to no place in one."""
    pages = {path.resolve(): Links(path.read_text()) for path in sorted(site.rglob("*.html"))}
    wrong = []
    for path, page in pages.items():
        for target in sorted(page.targets):
            if urlparse(target).scheme or target.startswith("//"):
                continue
            file, place = urldefrag(target)
            there = (path.parent / unquote(urlparse(file).path)).resolve() if file else path
            if not there.exists() or (place and there in pages and unquote(place) not in pages[there].places):
                wrong.append(f"{path.relative_to(site.resolve())}: {target}")
    return wrong


def main():
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--site", action="store_true", help="only the site, of what the chapters say already")
    parser.parse_args()
    make_site()


if __name__ == "__main__":
    main()
