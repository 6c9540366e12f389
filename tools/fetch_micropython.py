#!/usr/bin/env python3
"""Fetch MicroPython's source: Debian's source package of a pinned version, checked by SHA-256.

    tools/fetch_micropython.py DESTINATION

Debian 12 doesn't carry the package, Debian 13 does: a temporary apt configuration with one deb-src line gets it
from the mirror that this machine's own apt uses, checked by the archive keyring that the machine already has.
The source appears at DESTINATION whole or not at all.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import packages
from say import say, stop

SOURCE = "micropython=1.25.0+ds-1"
TARBALL = "micropython_1.25.0+ds.orig.tar.xz"
SHA256 = "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"
RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
OTHER_WAY = "or give a checkout of MicroPython v1.25.0 with MICROPY_DIR=/path/to/micropython"


def mirror():
    """Return the address of this machine's Debian mirror, as apt itself knows it."""
    rows = index_targets()
    if not rows:
        packages.update()
        rows = index_targets()
    if not rows:
        stop(f"apt knows no Debian mirror here: check /etc/apt/sources.list*, {OTHER_WAY}")
    main_archives = [uri for uri, suite in rows if "security" not in uri and "-" not in suite]
    return (main_archives or [uri for uri, _ in rows])[0]


def index_targets():
    """Return (address, suite) of every package list that apt has fetched."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE)", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
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


def download(folder):
    """Download the source package into folder with apt-get; stop with one line if that fails."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    signed_by = f"[signed-by={KEYRING}] " if Path(KEYRING).exists() else ""
    (folder / "sources.list").write_text(f"deb-src {signed_by}{mirror()} {RELEASE} main\n")
    apt = ["apt-get", "-qq", *apt_options(folder)]
    for command in ([*apt, "update"], [*apt, "source", "--download-only", SOURCE]):
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            print(result.stderr[-2000:], file=sys.stderr)
            stop(f"could not fetch the source package {SOURCE}: check the network, {OTHER_WAY}")
    return folder / TARBALL


def check(tarball):
    """Stop with one line unless the tarball is the one that the project was written for."""
    if not tarball.exists():
        stop(f"apt-get fetched no {TARBALL}: {OTHER_WAY}")
    found = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if found != SHA256:
        stop(f"{TARBALL} has SHA-256 {found}, not {SHA256}: not used; try again, {OTHER_WAY}")


def unpack(tarball, destination, folder):
    """Unpack the tarball beside destination, then move it there in one step."""
    staging = folder / "source"
    staging.mkdir()
    command = ["tar", "-xJf", tarball, "-C", staging, "--strip-components=1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        stop(f"could not unpack {TARBALL} ({result.stderr.strip()}): is xz-utils installed and the disk not full?")
    try:
        os.rename(staging, destination)
    except OSError:
        if not destination.exists():
            raise


def main():
    """Fetch, check and unpack; leave nothing behind but the source."""
    if len(sys.argv) != 2:
        stop("usage: fetch_micropython.py DESTINATION")
    destination = Path(sys.argv[1]).absolute()
    if destination.exists():
        return
    if not shutil.which("apt-get"):
        stop(f"no apt-get here to fetch MicroPython's source: {OTHER_WAY}")
    say(f"fetching MicroPython 1.25.0 (6 MB, Debian source package {SOURCE}) ...")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=destination.parent) as name:
        folder = Path(name)
        tarball = download(folder)
        check(tarball)
        unpack(tarball, destination, folder)
    say(f"MicroPython's source is verified and unpacked in {destination}")


if __name__ == "__main__":
    main()
