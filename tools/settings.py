#!/usr/bin/env python3
"""Check what a person set in the environment or on make's command line, before anything is built or booted.

    tools/settings.py       one line and status 1 for a value that can't be meant; silent otherwise

QEMU itself is asked about what only it knows: refusal().
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import machine
from say import stop

BOOTS = ("pvh", "iso", "uefi")
MOST_PROCESSORS = 64  # as port/processors/processors.h says
LEAST_MEMORY = "24M"  # as port/boot/early_frames.c says at boot
# What changes QEMU's command line.
OF_QEMU = ("QEMU", "QEMU_EXTRA", "ACCEL", "CPU", "CPUS", "MEMORY", "DISK")
LARGEST_SEED = 1 << 20  # as kernel/shell/exercise_commands.py says
MOST_SEEDS = 10_000
QCOW2 = b"QFI\xfb"  # how such an image begins


def check_boot(value):
    """BOOT: how the kernel is loaded."""
    return None if value in BOOTS else f"choose {', '.join(BOOTS[:-1])} or {BOOTS[-1]}"


def check_paging(value):
    """PAGING: how many levels of page tables."""
    return machine.refused_levels(value)


def check_memory(value):
    """MEMORY: RAM, as a number with its unit."""
    if not re.fullmatch(r"[0-9]+[MGT]", value):
        return "give a number and a unit, as in MEMORY=128M or MEMORY=8G"
    if machine.size_in_bytes(value) < machine.size_in_bytes(LEAST_MEMORY):
        return f"Clew needs {LEAST_MEMORY} or more, as in MEMORY=128M"
    return None


def check_processors(value):
    """CPUS: how many processors."""
    is_number = value.isdecimal() and 1 <= int(value) <= MOST_PROCESSORS
    return None if is_number else f"give a number from 1 to {MOST_PROCESSORS}: so many CPUs Clew can use"


def processors(environment=os.environ):
    """Return how many processors CPUS asks for."""
    return int(environment.get("CPUS") or 1)


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
    """GDB_PORT: a port of TCP that an ordinary user may open."""
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


CHECKS = {
    "OBJECTS": check_objects,
    "DISK": check_disk,
    "SEEDS": check_seeds,
    "BOOT": check_boot,
    "PAGING": check_paging,
    "MEMORY": check_memory,
    "CPUS": check_processors,
    "QEMU": check_program,
    "QEMU_EXTRA": check_words,
    "GDB_PORT": check_port,
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
