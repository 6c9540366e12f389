#!/usr/bin/env python3
"""Fetch MicroPython's source: from wherever it is, checked by the list of digests (tools/micropython_source.py).

    tools/fetch_micropython.py DESTINATION

Three ways are tried, each with one line: Debian's source package (on a Debian: from the mirror that its apt uses, by a
temporary configuration, for Debian 12 doesn't carry the package), the release archive, and upstream's git repository.
MICROPY_FROM=PLACE tries that alone: an archive, a folder or a git repository, by its path or address.
The source appears at DESTINATION whole or not at all.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from functools import partial
from pathlib import Path

import micropython_source
import packages
from micropython_source import VERSION
from say import say, stop

PACKAGE = f"micropython={VERSION}+ds-1"
SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCHIVE = f"https://micropython.org/resources/source/micropython-{VERSION}.tar.xz"
REPOSITORY = "https://github.com/micropython/micropython.git"
OTHER_WAY = f"or give MicroPython {VERSION} with MICROPY_FROM=archive, folder or git repository"
PATIENCE_S = 60


class Failed(Exception):
    """One way did not lead to the source; the text says why, in one line."""


def run(*command, folder=None, timeout=600):
    """Run a command without questions; Failed with the last line that it said if it fails."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    options = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "timeout": timeout}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from error
    if done.returncode != 0:
        raise Failed((done.stderr.strip() or f"{command[0]} ended with status {done.returncode}").splitlines()[-1])
    return done.stdout


# --- Debian's source package ---


def is_debian():
    """Answer whether this machine's apt has Debian's archive, and not that of a system derived from it."""
    release = Path("/etc/os-release")
    return bool(shutil.which("apt-get")) and release.exists() and "\nID=debian\n" in f"\n{release.read_text()}\n"


def mirror():
    """Return the address of this machine's Debian mirror, as apt itself knows it."""
    rows = index_targets()
    if not rows:
        try:
            packages.update()
        except SystemExit as stopped:  # no rights, no network: there are other places
            raise Failed(str(stopped).removeprefix("clew: ")) from stopped
        rows = index_targets()
    if not rows:
        raise Failed("apt knows no Debian mirror here: see /etc/apt/sources.list*")
    main_archives = [uri for uri, suite in rows if "security" not in uri and "-" not in suite]
    return (main_archives or [uri for uri, _ in rows])[0]


def index_targets():
    """Return (address, suite) of every package list that apt knows."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE)", "Created-By: Packages")
    return [tuple([*line.split(), ""][:2]) for line in listed.splitlines() if line.strip()]


def apt_options(folder):
    """Return options that make apt-get use a configuration of its own inside folder, and nobody's rights."""
    options = {
        "Dir::State::Lists": folder / "lists",
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "",
    }
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def from_debian(folder):
    """Download Debian's source package with apt-get, which checks its signature; return the archive's path."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    signed_by = f"[signed-by={KEYRING}] " if Path(KEYRING).exists() else ""
    (folder / "sources.list").write_text(f"deb-src {signed_by}{mirror()} {SUITE} main\n")
    apt = ("apt-get", "-qq", *apt_options(folder))
    run(*apt, "update", folder=folder)
    run(*apt, "source", "--download-only", PACKAGE, folder=folder)
    found = list(folder.glob("micropython_*.orig.tar.*"))
    return found[0] if found else folder / "nothing"


# --- an archive or a repository, by path or address ---


def from_address(address, folder):
    """Download an archive by http, https or ftp, or clone a git repository; return the path of what came."""
    path = folder / "download"
    if ".tar." in address or address.endswith((".zip", ".tgz")):
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer, open(path, "wb") as file:
                shutil.copyfileobj(answer, file)
        except (OSError, ValueError) as error:
            raise Failed(str(error)) from error
        return path
    run("git", "clone", "--quiet", "--depth", "1", "--branch", f"v{VERSION}", address, str(path))
    return path


def from_place(place, folder):
    """Take MicroPython from where the person says it is; return the path of a folder or an archive."""
    path = Path(place).expanduser()
    if not path.exists():
        if "://" not in place and "@" not in place:
            raise Failed("there is no such file or folder")
        return from_address(place, folder)
    if path.is_dir() and not (path / "py" / "mpconfig.h").exists():
        return from_address(f"file://{path.absolute()}", folder)  # a bare repository
    return path


# --- all of them ---


def unpack(found, staging):
    """Unpack an archive, or copy a folder, so that staging is MicroPython's top."""
    if found.is_dir():
        shutil.copytree(found, staging, symlinks=True, ignore=shutil.ignore_patterns(".git", "build*", "__pycache__"))
        return
    whole = staging.with_name("unpacked")
    try:
        shutil.unpack_archive(found, whole, format=kind_of(found), **({"filter": "data"} if has_filters(found) else {}))
    except (OSError, ValueError, EOFError, shutil.ReadError) as error:
        raise Failed(f"can't unpack it: {error}") from error
    tops = list(whole.iterdir())
    os.rename(tops[0] if len(tops) == 1 and tops[0].is_dir() else whole, staging)


def kind_of(path):
    """Return shutil's name for an archive's kind, by its first bytes."""
    with open(path, "rb") as file:
        begin = file.read(6)
    kinds = {b"PK": "zip", b"\xfd7zXZ": "xztar", b"\x1f\x8b": "gztar", b"BZh": "bztar"}
    return next((kind for magic, kind in kinds.items() if begin.startswith(magic)), "tar")


def has_filters(path):
    """Answer whether this Python can refuse an archive's members that lead out of its folder (a zip's never do)."""
    return kind_of(path) != "zip" and hasattr(tarfile, "data_filter")


def ways():
    """Return (what is said of it, function of a folder) for each way to the source, the most trusted first."""
    if place := os.environ.get("MICROPY_FROM"):
        return [(place, partial(from_place, place))]
    found = [(f"Debian source package {PACKAGE}", from_debian)] if is_debian() else []
    return found + [(address, partial(from_address, address)) for address in (ARCHIVE, REPOSITORY)]


def try_way(name, way, destination):
    """Fetch, check and unpack by one way; Failed, and nothing at the destination, if that leads nowhere."""
    say(f"fetching MicroPython {VERSION} (6 to 60 MB: {name}) ...")
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=destination.parent) as folder:
        staging = Path(folder) / "source"
        (Path(folder) / "from").mkdir()
        found = way(Path(folder) / "from")
        if not found.exists():
            raise Failed("nothing came")
        unpack(found, staging)
        if complaint := micropython_source.complaint(staging):
            raise Failed(f"what came {complaint}")
        try:
            os.rename(staging, destination)
        except OSError:
            if not destination.exists():  # another make was quicker
                raise


def main():
    """Try one way after the other; leave nothing behind but the source."""
    if len(sys.argv) != 2:
        stop("usage: fetch_micropython.py DESTINATION")
    destination = Path(sys.argv[1]).absolute()
    if destination.exists():
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    for name, way in ways():
        try:
            try_way(name, way, destination)
        except Failed as reason:
            say(f"  not from there: {reason}")
        else:
            say(f"MicroPython's source is verified and lies in {destination}")
            return
    stop(f"MicroPython's source is not to be had: check the network, {OTHER_WAY}")


if __name__ == "__main__":
    main()
