"""MicroPython's source is taken from wherever it is, and known by what the build and the tests read of it."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading

import fetch_micropython
import machine
import micropython_source
import pytest

FILES = {
    "py/mpconfig.h": "#define A\n",
    "py/vm.c": "int vm;\n",
    "py/mkenv.mk": "CC = gcc\n",
    "tests/basics/a.py": "1\n",
}
LIST = ("py/**/*", "tests/basics/**/*")
NAMES = ("folder", "tar.gz", "tar.xz", "zip", "repository", "bare repository", "http")


def git(folder, *words):
    identity = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "commit.gpgsign=false",
    )
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small MicroPython, and a list of digests for it."""
    tree = tmp_path / "micropython-1.25.0"
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tmp_path / "list").write_text("# patterns\n" + "".join(f"0 0 {pattern}\n" for pattern in LIST))
    monkeypatch.setattr(micropython_source, "DIGESTS", tmp_path / "list")
    micropython_source.write(tree)
    return tree


@pytest.fixture
def server(tmp_path):
    """The address of a server that has tmp_path's files."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def place(kind, tree, address):
    """Bring the tree into a form in which MicroPython comes; return where it is."""
    if kind == "folder":
        return tree
    if "repository" in kind:
        git(tree, "init")
        git(tree, "add", "-A")
        git(tree, "commit", "-m", "all")
        git(tree, "tag", "v1.25.0")
        if kind == "bare repository":
            git(tree.parent, "clone", "--bare", str(tree), "bare.git")
            return tree.parent / "bare.git"
        return tree
    formats = {"tar.gz": "gztar", "tar.xz": "xztar", "zip": "zip", "http": "xztar"}
    path = shutil.make_archive(str(tree.parent / "archive"), formats[kind], tree.parent, tree.name)
    return f"{address}/{os.path.basename(path)}" if kind == "http" else path


def fetch(monkeypatch, destination, wanted=""):
    monkeypatch.setenv("MICROPY_FROM", str(wanted))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(sys, "argv", ["fetch_micropython.py", str(destination)])
    fetch_micropython.main()


@pytest.mark.parametrize("kind", NAMES)
def test_it_may_come_in_any_form(kind, tree, server, monkeypatch, tmp_path):
    destination = tmp_path / "the cache" / "micropython"
    fetch(monkeypatch, destination, place(kind, tree, server))
    assert micropython_source.complaint(destination) is None
    assert [path.name for path in destination.parent.iterdir()] == ["micropython"]


@pytest.mark.parametrize("wrong", ["changed", "missing", "more", "line endings", "no archive", "nothing"])
def test_what_is_something_else_is_refused_and_leaves_nothing(wrong, tree, server, monkeypatch, tmp_path, capsys):
    if wrong == "missing":
        (tree / "py" / "vm.c").unlink()
    else:
        text = {"changed": b"int wm;\n", "line endings": b"int vm;\r\n"}.get(wrong, b"int vm;\n")
        (tree / "py" / ("more.c" if wrong == "more" else "vm.c")).write_bytes(text)
    archive = place("tar.gz", tree, server)
    if wrong == "no archive":
        (tmp_path / "archive.tar.gz").write_bytes(b"not an archive")
    with pytest.raises(SystemExit, match=r"^clew: MicroPython's source is not to be had: check the network, or give"):
        fetch(monkeypatch, tmp_path / "cache" / "micropython", "/nosuch" if wrong == "nothing" else archive)
    assert list((tmp_path / "cache").iterdir()) == []
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    why = {
        "missing": r"py/\*\*/\* \(2 files, not 3\)",
        "more": r"py/\*\*/\* \(4 files, not 3\)",
        "nothing": "no such file",
    }
    why["no archive"] = "can't unpack it"
    assert re.search(why.get(wrong, r"py/\*\*/\* \(a file was changed\)"), said[1])


def test_where_one_place_fails_the_next_is_asked(tree, monkeypatch, tmp_path, capsys):
    """Debian's package where there is one, the release archive, upstream's repository: any that has the source."""
    monkeypatch.setattr(fetch_micropython, "is_debian", lambda: True)
    assert [way.func if hasattr(way, "func") else way for _, way in fetch_micropython.ways()] == [
        fetch_micropython.from_debian,
        fetch_micropython.from_address,
        fetch_micropython.from_address,
    ]
    repository = f"file://{place('bare repository', tree, '')}"
    monkeypatch.setattr(fetch_micropython, "index_targets", list)
    monkeypatch.setattr(fetch_micropython.packages, "update", lambda: sys.exit("clew: neither root nor sudo"))
    monkeypatch.setattr(fetch_micropython, "ARCHIVE", "http://127.0.0.1:9/micropython.tar.xz")
    monkeypatch.setattr(fetch_micropython, "REPOSITORY", repository)
    fetch(monkeypatch, tmp_path / "cache" / "micropython")
    said = capsys.readouterr().err
    assert "not from there: neither root nor sudo\n" in said
    assert "not from there: <urlopen error" in said
    assert micropython_source.complaint(tmp_path / "cache" / "micropython") is None


def test_a_builds_leavings_and_what_is_not_read_do_not_count(tree):
    for name in ("py/build-x/genhdr/a.h", "py/__pycache__/a.pyc", "docs/a.py", "py/notes.txt"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x")
    assert micropython_source.complaint(tree) is None


def test_a_link_is_checked_again_when_it_leads_elsewhere_or_the_list_is_newer(tree, tmp_path):
    link = tmp_path / "build" / "micropython"
    micropython_source.use(tree, link)
    assert link.resolve() == tree
    (tree / "py" / "vm.c").write_text("int wm;\n")
    micropython_source.use(tree, link)
    os.utime(tmp_path / "list", (1 << 33, 1 << 33))
    with pytest.raises(SystemExit, match="a file was changed"):
        micropython_source.use(tree, link)
    with pytest.raises(SystemExit, match="is no MicroPython source"):
        micropython_source.use(tmp_path / "list", link)


def test_everything_of_it_that_the_build_read_is_in_the_list():
    """The compilers' own lists of what they read; and a changed byte in any of that is seen."""
    source = machine.MICROPYTHON.resolve()
    listed = {name for pattern in micropython_source.expected() for name in micropython_source.files(source, pattern)}
    texts = [path.read_text() for path in machine.BUILD.rglob("*.P")]
    read = {name for text in texts for name in re.findall(r"micropython/((?:py|lib|extmod|shared)/[^\s:]+)", text)}
    read |= {name for text in texts for name in re.findall(r"(?<=\.\./)((?:py|lib|extmod|shared)/[^\s:]+)", text)}
    assert len(read) > 250
    assert {os.path.normpath(name) for name in read} - listed == set()
    assert micropython_source.complaint(source) is None
