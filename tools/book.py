#!/usr/bin/env python3
"""Make the book: `make docs` types every chapter on a fresh machine, and writes a static site to build/site.

    tools/book.py [--site]       --site: of what the chapters say already

A chapter that shows something else than what happens is written anew, all of it; so is a picture. Sphinx's warnings are
errors, and so are links within the site that lead nowhere.
"""

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import reference
from machine import BUILD, ROOT
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))
from harness import Kernel, QemuGuest
from harness.sessions import typed_in_a_machine
from harness.transcripts import VARIES, Numbers, Stale, pictures, sessions

DOCS, SOURCES, SITE, DOCTREES = ROOT / "docs", BUILD / "docs", BUILD / "site", BUILD / "doctrees"


def type_chapter(path):
    """Type a chapter; if it shows something else than what happens, write it anew. Stale if it can't be typed."""
    text = path.read_text()
    numbers, printed, agree = Numbers(text, path.name), {}, []

    def take_down(exchange, lines, agrees):
        printed[exchange.line] = (len(exchange.shown), "\n".join(lines).strip("\n").split("\n") if any(lines) else [])
        agree.append(agrees)

    for session in sessions(text, path.name):
        with ExitStack() as guests, tempfile.TemporaryDirectory() as folder:

            def boot(guests=guests, **settings):
                return guests.enter_context(QemuGuest(**settings))

            typed_in_a_machine(boot, Path(folder), text, path.name, session, numbers, take_down)
    if not all(agree):
        path.write_text(rewritten(text, printed, numbers))
        say(f"{path.relative_to(ROOT)} is written anew: read what has changed")


def rewritten(text, printed, numbers):
    """Return a text with what was printed, {line of a prompt: (lines shown, lines printed)}, and with its numbers."""
    lines = text.split("\n")
    for line in sorted(printed, reverse=True):
        count, now = printed[line]
        lines[line : line + count] = now

    def renumbered(comment):
        rows = [row.rpartition(": ") for row in comment[1].splitlines()]
        return "<!-- varies\n" + "".join(f"{what}: {numbers.found.get(what, old)}\n" for what, _, old in rows) + "-->"

    return VARIES.sub(renumbered, "\n".join(lines))


def draw(words, path):
    """Run a tool with these words, but write the picture to a path. Raises CalledProcessError."""
    command = [sys.executable, str(ROOT / words[0]), *words[1:-1], str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)


def what_it_says(picture):
    """Return what an SVG says, wherever things lie and however large the image is: {what: how often}.

    Kinds of shapes by their colours and labels without their numbers count once; what is new or gone, each time. The
    level of a table is no such number, and the points of a chart are what it says.
    """
    shapes = re.findall(r"<(\w+)([^>]*)>(?:([^<>]+)<)?", picture)
    said = Counter()
    for name, attributes, text in shapes:
        colours = dict(re.findall(r'(class|fill|points)="([^"]*)"', attributes))
        is_mark = colours.get("class", "").startswith("mark")
        said[name, *sorted(colours.items())] += is_mark
        if name == "text":
            said[re.sub(r"0x[0-9a-f]+|(?<!P)\d+", "#", text)] += 0
    return dict(said)  # a Counter takes what is missing for 0


def draw_pictures(chapter):
    """Draw the pictures of a chapter that would show something else."""
    for words in pictures(chapter.read_text()):
        path = ROOT / words[-1]
        with tempfile.TemporaryDirectory() as folder:
            draw(words, Path(folder, "now.svg"))
            now = Path(folder, "now.svg").read_text()
        if not path.exists() or what_it_says(path.read_text()) != what_it_says(now):
            path.parent.mkdir(exist_ok=True)
            path.write_text(now)
            say(f"{path.relative_to(ROOT)} is drawn anew")


COMMANDS = """
from shell.commands import TABLE
from shell.help_command import about_command
print(sorted([(each.name, list(about_command(each).lines())) for each in TABLE]))
"""


def write_commands(path):
    """Write the page of the commands: what `help` says of each, on a machine of now."""
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(30)
        commands = ast.literal_eval(Kernel(guest, timeout=60).exec(COMMANDS))
    parts = ["# Commands", "What `help` says of each word of the prompt. Each is a Python function, too."]
    for name, lines in commands:
        parts.append(f"({name})=\n## `{name}`\n\n```text\n" + "\n".join(lines) + "\n```")
    path.write_text("\n\n".join(parts) + "\n")


def make_site():
    """Write build/site. Raises SystemExit with what Sphinx said, or with the links that lead nowhere."""
    shutil.copytree(DOCS, SOURCES, dirs_exist_ok=True)
    for gone in [path for path in SOURCES.rglob("*.md") if not (DOCS / path.relative_to(SOURCES)).exists()]:
        gone.unlink()
    reference.write(SOURCES / "api")
    write_commands(SOURCES / "commands.md")
    shutil.rmtree(SITE, ignore_errors=True)
    words = ["-q", "--fail-on-warning", "-b", "html", "-d", str(DOCTREES), str(SOURCES), str(SITE)]
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
    if not parser.parse_args().site:
        for chapter in sorted((DOCS / "book").glob("*.md")):
            try:
                type_chapter(chapter)
                draw_pictures(chapter)
            except Stale as failure:
                stop(str(failure))
    make_site()


if __name__ == "__main__":
    main()
