#!/usr/bin/env python3
"""Install the Debian packages that a step needs and this machine lacks.

    tools/packages.py build|run|test|debug...

A package is looked for by a file or command that it brings, so that tools installed in another way count
too. Nothing is installed that isn't missing, and what is installed is said first, with the reason.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from say import say, stop

LISTS = Path("/var/lib/apt/lists")
# Touched when we refresh the lists: one refresh is enough for all the steps of `make test`.
STAMP = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clew" / "apt-lists-refreshed"
FRESH_S = 3600

# step: (package, what shows that it is there, what it is for)
PACKAGES = {
    "build": (
        ("gcc", "gcc", "compiles the kernel"),
        ("libc6-dev", "/usr/include/stdio.h", "compiles mpy-cross, which runs on this machine"),
        ("make", "make", "drives the build"),
        ("binutils", "ld", "links the kernel"),
        ("xz-utils", "xz", "unpacks MicroPython's source"),
    ),
    "iso": (
        ("grub-common", "grub-mkimage", "makes the boot image's loader"),
        ("grub-pc-bin", "/usr/lib/grub/i386-pc/multiboot2.mod", "the loader for a BIOS"),
        ("grub-efi-amd64-bin", "/usr/lib/grub/x86_64-efi/multiboot2.mod", "the loader for UEFI"),
        ("mtools", "mformat", "makes the boot image's EFI partition"),
        ("xorriso", "xorriso", "makes the boot image"),
    ),
    "venv": (("python3-venv", "module:ensurepip", "makes the Python environment .venv"),),
    "run": (
        ("qemu-system-x86", "qemu-system-x86_64", "the machine that the kernel runs on"),
        ("qemu-system-data", "/usr/share/qemu/qboot.rom", "its firmware for a fast boot"),
        ("seabios", "/usr/share/seabios/bios-256k.bin", "its BIOS"),
    ),
    "uefi": (("ovmf", "/usr/share/ovmf/OVMF.fd", "UEFI firmware for QEMU"),),
    "bochs": (
        ("bochs", "bochs", "a second machine, with an MMU of its own"),
        ("bochsbios", "/usr/share/bochs/BIOS-bochs-latest", "its BIOS"),
        ("vgabios", "/usr/share/vgabios/vgabios.bin", "its video BIOS"),
    ),
    "browser": (
        ("chromium", "chromium", "tries the page of `make view`"),
        ("chromium-driver", "chromedriver", "drives it"),
    ),
    "rust": (("rustc", "rustc", "compiles the example object in Rust"),),
    "debug": (("gdb", "gdb", "the debugger"),),
}


def is_there(probe):
    """Answer whether a command, file or Python module that shows a package's presence is found."""
    if probe == "module:ensurepip":
        return has_ensurepip()
    return Path(probe).exists() if probe.startswith("/") else shutil.which(probe, path=search_path()) is not None


def has_ensurepip():
    """Answer whether this Python can make a virtual environment (Debian splits that off)."""
    return importlib.util.find_spec("ensurepip") is not None


def search_path():
    """Return PATH with the folders of system tools, which an ordinary user's PATH may lack."""
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def missing(steps):
    """Return (package, reason) for everything that the steps need and this machine lacks."""
    rows = [row for step in steps for row in PACKAGES[step]]
    return [(package, reason) for package, probe, reason in rows if not is_there(probe)]


def as_root(command):
    """Return how to run a command as root: as it is, or through sudo. Stops with one line if neither works."""
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        stop(f"neither root nor sudo: please have this run as root: {' '.join(command)}")
    return ["sudo", *command]


def update():
    """Refresh apt's package lists, which a fresh machine may not have at all."""
    say("refreshing the package lists (apt-get update) ...")
    quietly(as_root(["apt-get", "-qq", "update"]), "apt-get update failed; is this machine online?")
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    STAMP.touch()


def lists_are_fresh():
    """Answer whether we refreshed the package lists within the hour, and they are still there."""
    there = any(LISTS.glob("*_Packages*"))
    return there and STAMP.exists() and time.time() - STAMP.stat().st_mtime < FRESH_S


def install(lacking):
    """Install packages by apt-get, through sudo when not root. Stops with one line if that can't be done."""
    names = [package for package, _ in lacking]
    if not shutil.which("apt-get"):
        stop(f"no apt-get here: please install what Debian calls: {' '.join(names)}")
    options = ["-qq", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
    command = as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, "install", *names])
    say(f"installing {len(names)} Debian packages that are missing here{' (with sudo)' if os.geteuid() else ''}:")
    for package, reason in lacking:
        say(f"  {package}: {reason}")
    if not lists_are_fresh():
        update()
    say("downloading and installing ...")
    quietly(command, f"this failed: apt-get install {' '.join(names)}")


def quietly(command, complaint):
    """Run a command without its chatter; on failure show the chatter and stop with one line."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        print(result.stdout[-4000:], file=sys.stderr)
        stop(complaint)


def main():
    """Install what the steps named on the command line lack."""
    steps = sys.argv[1:]
    unknown = [step for step in steps if step not in PACKAGES]
    if unknown or not steps:
        stop(f"usage: packages.py {'|'.join(PACKAGES)}..., not {' '.join(unknown) or 'nothing'}")
    lacking = missing(steps)
    if not lacking:
        return
    install(lacking)
    still = [package for package, _ in missing(steps)]
    if still:
        stop(f"installed, but still not found here: {' '.join(still)}")


if __name__ == "__main__":
    main()
