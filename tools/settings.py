#!/usr/bin/env python3
"""Check what a person set in the environment or on make's command line, before anything is built or booted.

    tools/settings.py       one line and status 1 for a value that can't be meant; silent otherwise

QEMU itself is asked about what only it knows: refusal().
"""

import os
import re
import resource
import shlex
import shutil
import subprocess
from pathlib import Path

import machine
from say import stop

BOOTS = ("pvh", "iso", "uefi")
MOST_PROCESSORS = 64  # as port/processors/processors.h says
# MINIMUM_RAM_BYTES of boot/layout.h, which the kernel checks itself; UEFI firmware needs more before there is a kernel.
LEAST_MEMORY = {"pvh": "14M", "iso": "14M", "uefi": "64M"}
# With 64 TiB of RAM, its end lies behind what WINDOW_P4_ENTRIES of boot/layout.h show.
TOO_MUCH_MEMORY = "64T"
OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
NEVER_OVERCOMMIT = "2"
# What changes QEMU's command line.
OF_QEMU = ("QEMU", "QEMU_EXTRA", "ACCEL", "CPU", "CPUS", "MEMORY", "DISK")
LARGEST_SEED = 1 << 20  # as kernel/shell/exercise_commands.py says
MOST_SEEDS = 10_000
# What QEMU calls its windows.
WINDOWS = ("gtk", "sdl")
QCOW2 = b"QFI\xfb"  # how such an image begins


def check_boot(value):
    """BOOT: how the kernel is loaded."""
    return None if value in BOOTS else f"choose {', '.join(BOOTS[:-1])} or {BOOTS[-1]}"


def check_paging(value):
    """PAGING: how many levels of page tables."""
    return machine.refused_levels(value)


def check_memory(value, environment=os.environ):
    """MEMORY: RAM, as a number with its unit, that the kernel can use and the host can promise."""
    if not re.fullmatch(r"[0-9]+[MGT]", value):
        return "give a number and a unit, as in MEMORY=128M or MEMORY=8G"
    size, boot = machine.size_in_bytes(value), environment.get("BOOT") or "pvh"
    least = LEAST_MEMORY.get(boot, LEAST_MEMORY["pvh"])
    if size < machine.size_in_bytes(least):
        return f"Clew needs {least} or more{' with BOOT=uefi' if boot == 'uefi' else ''}, as in MEMORY=128M"
    if size >= machine.size_in_bytes(TOO_MUCH_MEMORY):
        return f"Clew can use less than {TOO_MUCH_MEMORY}: so much its physical window shows"
    return refused_by_host(size)


def refused_by_host(size):
    """Return in one line why this host can't promise a machine so much RAM, or None.

    It lends a page when the guest touches it; but addresses for all of it QEMU must have at once.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and size >= limit:
        return f"a process may have {limit >> 20} MiB of addresses here: ulimit -v unlimited lets QEMU have more"
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > has and OVERCOMMIT.is_file() and OVERCOMMIT.read_text().strip() == NEVER_OVERCOMMIT:
        return f"this host has {has >> 20} MiB, and promises no more than that: sudo sysctl vm.overcommit_memory=1"
    return None


def check_processors(value):
    """CPUS: how many processors."""
    is_number = value.isdecimal() and 1 <= int(value) <= MOST_PROCESSORS
    return None if is_number else f"give a number from 1 to {MOST_PROCESSORS}: so many CPUs Clew can use"


def processors(environment=os.environ):
    """Return how many processors CPUS asks for."""
    return int(environment.get("CPUS") or 1)


def check_guard(value):
    """GUARD: whether a protection key guards page tables and the allocators' records."""
    return machine.refused_guard(value)


def check_words(value):
    """QEMU_EXTRA: words as a shell reads them."""
    try:
        shlex.split(value)
    except ValueError as error:
        return f"a shell can't read these words ({error})"
    return None


def check_program(value):
    """QEMU: a program."""
    return None if shutil.which(value) else "there is no such program"


def check_port(value):
    """GDB_PORT, VIEW_PORT: a port of TCP that an ordinary user may open."""
    return None if value.isdecimal() and 1024 <= int(value) < 65536 else "give a number from 1024 to 65535"


def seeds(value):
    """Return the seeds that a text such as "1-200" or "3,7-9" means, in order. Raises ValueError."""
    found = []
    for part in value.split(","):
        first, dash, last = part.strip().partition("-")
        numbers = range(int(first), int(last if dash else first) + 1)
        if not first.isdecimal() or not numbers or numbers[-1] > LARGEST_SEED:
            raise ValueError(part)
        if len(found) + len(numbers) > MOST_SEEDS:
            raise ValueError("too many")
        found += numbers
    return list(dict.fromkeys(found))


def check_seeds(value):
    """SEEDS: the seeds of exercises."""
    try:
        seeds(value)
    except ValueError:
        return f"give seeds from 0 to {LARGEST_SEED}, {MOST_SEEDS:,} at most, as in SEEDS=1-200 or SEEDS=3,7-9"
    return None


def check_seconds(value):
    """SOURCE_DATE_EPOCH: seconds since 1970."""
    return None if value.isdecimal() else "give whole seconds since 1970"


def objects(environment=os.environ):
    """Return the paths that OBJECTS names, as a shell reads them; QEMU is started elsewhere, so they are whole."""
    return tuple(os.path.abspath(word) for word in shlex.split(environment.get("OBJECTS") or ""))


def check_objects(value):
    """OBJECTS: files that the machine finds in /boot."""
    return check_words(value) or machine.refused_files(objects({"OBJECTS": value}))


def disk(environment=os.environ):
    """Return the whole path that DISK names, or "" without one."""
    return os.path.abspath(environment["DISK"]) if environment.get("DISK") else ""


def check_disk(value):
    """DISK: a raw image that the machine has as a disk."""
    path = Path(disk({"DISK": value}))
    if not path.is_file() and not path.is_block_device():
        return f"{path}: there is no such file: truncate -s 16M FILE makes one"
    if not os.access(path, os.R_OK):
        return f"{path}: you may not read it"
    with open(path, "rb") as file:
        start = file.read(4)
    if not start:
        return f"{path}: it is empty: truncate -s 16M FILE makes it 16 MiB of zeros"
    if start == QCOW2:
        return f"{path}: it is no raw image: qemu-img convert -O raw makes one"
    return None


def windows():
    """Return the kinds of window that this QEMU can open, the best first."""
    command = [os.environ.get("QEMU") or "qemu-system-x86_64", "-display", "help"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    return [kind for kind in WINDOWS if kind in said.split()]


def window(environment=os.environ):
    """Return the kind of window that SCREEN asks for, or "" without one."""
    return windows()[0] if environment.get("SCREEN") else ""


def check_screen(value, environment=os.environ):
    """SCREEN: the machine's display in a window."""
    if value != "1":
        return "SCREEN=1 opens a window with the machine's display; leave it out for none"
    if (environment.get("BOOT") or "pvh") == "pvh":
        return "through PVH the machine has no display: add BOOT=iso, or BOOT=uefi for pixels"
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "there is no desktop here to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if not windows():
        return "this QEMU can't open windows: apt-get install qemu-system-gui adds that"
    return None


CHECKS = {
    "OBJECTS": check_objects,
    "DISK": check_disk,
    "SEEDS": check_seeds,
    "BOOT": check_boot,
    "PAGING": check_paging,
    "SCREEN": check_screen,
    "MEMORY": check_memory,
    "CPUS": check_processors,
    "GUARD": check_guard,
    "QEMU": check_program,
    "QEMU_EXTRA": check_words,
    "GDB_PORT": check_port,
    "VIEW_PORT": check_port,
    "SOURCE_DATE_EPOCH": check_seconds,
}


def complaint(environment=os.environ):
    """Return one line about the first value that can't be meant, or None. An empty value is as good as none."""
    for name, check in CHECKS.items():
        value = environment.get(name)
        if value and (wrong := check(value)):
            return f"{name}={value}: {wrong}"
    return None


def refusal(description, environment=os.environ):
    """Return one line about why QEMU refuses a Machine, or None; asked only if somebody changed how it is called."""
    changed = [f"{name}={environment[name]}" for name in OF_QEMU if environment.get(name)]
    if not changed:
        return None
    command = [*machine.DIE_WITH_PARENT, *description.qemu_command(), "-S", "-monitor", "stdio"]
    try:
        done = subprocess.run(command, input="quit\n", capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(changed)}: {error}"
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
    return f"{' '.join(changed)}: QEMU refuses: {said[-1]}"


if __name__ == "__main__":
    if found := complaint():
        stop(found)
