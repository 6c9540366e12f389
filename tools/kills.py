#!/usr/bin/env python3
"""Kill the machine amid paging to a disk, and look at the disk: `make kills SEED=1 N=50`.

A program in the kernel writes whole numbered pages through a mapping with few frames, so that dirty pages are evicted
all the time, and calls sync() now and then. QEMU is killed at a moment that the seed says. Then each page on the disk
has to be whole, and one that was written there, no older than what the last sync() that returned has promised.
"""

import itertools
import random
import re
import struct
import sys
import tempfile
import time
from pathlib import Path

import campaign
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from harness import GuestFailure, Kernel, KernelRaised, QemuGuest
from on_target import source

PAGE, PAGES, FRAMES = 4096, 48, 6
BOOT_TIMEOUT_S, PATIENCE_S = 30, 60
SYNCS, PAUSE_S = 12, 0.02
MOST_VERSIONS = 100_000  # more than a machine comes to
NEEDS = "build/kernel.elf", "tests/on_target", "tools/kills.py"
SYNCED = re.compile(r"synced (\d+)\n")


def written_pages(seed):
    """Yield the page that is written for each version, from 1 on; the program in the kernel computes the same."""
    while True:
        seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
        yield (seed >> 8) % PAGES


def content(page, version):
    """Return what a page is when it has been written for a version; 0: never."""
    return struct.pack("<II", page, version) * (PAGE // 8) if version else bytes(PAGE)


def kill(seed, folder):
    """Have a machine write and kill it; return (the disk's bytes, the version that the last sync() promised)."""
    moment = random.Random(seed)
    syncs, pause = moment.randint(1, SYNCS), moment.uniform(0, PAUSE_S)
    disk = Path(folder) / "disk"
    disk.write_bytes(bytes(PAGES * PAGE))
    with QemuGuest(disk=str(disk)) as guest:
        guest.console.wait_for_prompt(BOOT_TIMEOUT_S)
        program = f"SEED, PAGES, FRAMES = {seed}, {PAGES}, {FRAMES}\n" + source("replacement/kills")
        Kernel(guest).transport.exec_raw_no_follow(program.encode())
        deadline = time.monotonic() + PATIENCE_S
        while len(SYNCED.findall(guest.log())) < syncs:
            if time.monotonic() > deadline:
                guest.fail(f"it did not come to its sync() number {syncs} within {PATIENCE_S} s")
            guest.check()
            time.sleep(0.002)
        time.sleep(pause)
        guest.process.kill()
        guest.process.wait()
        return disk.read_bytes(), int(SYNCED.findall(guest.log())[-1])


def judge(seed, disk, promised):
    """Return (counts, what is wrong, in one line each) of a disk after its machine was killed."""
    counts, wrong = {"pages": PAGES, "pages newer than promised": 0}, []
    for page in range(PAGES):
        found = disk[page * PAGE : (page + 1) * PAGE]
        version = struct.unpack_from("<II", found)[1]
        versions, due = [0], 0
        most = min(max(version, promised), MOST_VERSIONS)
        for number, of in enumerate(itertools.islice(written_pages(seed), most), 1):
            if of == page:
                versions.append(number)
                due = number if number <= promised else due
        if found != content(page, version) or version not in versions:
            wrong.append(f"page {page} is none that was written: it begins with {found[:16].hex()}")
        elif version < due:
            wrong.append(f"page {page} has version {version}, and sync() has promised {due}")
        counts["pages newer than promised"] += version > due
    return counts, wrong


def again(seed):
    """Return the command that does one kill again."""
    return f"make kills SEED={seed} N=1"


def perform(seed):
    """Do one job of the campaign."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            counts, wrong = judge(seed, *kill(seed, folder))
        except (GuestFailure, KernelRaised) as failure:
            counts, wrong = {}, [str(failure).splitlines()[0]]
    found = [(f"seed {seed}: {text}", again(seed)) for text in wrong]
    return {"counts": {"kills": 1, **counts}, "disagreements": found, "said": ""}


def main():
    """Run the campaign; return the exit status."""
    parser = campaign.Parser(__doc__, prog="make kills")
    parser.add_argument("--seed", type=campaign.whole, default=1, help="of the first kill; the next has the next seed")
    parser.add_argument("--kills", type=campaign.positive, default=50, help="how many")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.kills)
    jobs = [campaign.Job(f"seed {seed}", {"seed": seed}, again(seed)) for seed in seeds]
    with campaign.Workers(options.jobs, needs=NEEDS) as workers:
        total = workers.run("kills", "kills.perform", jobs)
        print(f"seed {options.seed}: " + ", ".join(f"{name} {count:,}" for name, count in total.counts.items()))
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
