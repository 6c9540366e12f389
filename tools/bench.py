#!/usr/bin/env python3
"""Run the kernel's bench rows on a machine that counts instructions; print and keep what they cost.

    tools/bench.py [--only TEXT] [--output build/bench.json]
    tools/bench.py --compare OLD.json NEW.json [--limit PERCENT]

Rows live in kernel/diagnostics/bench*.py. Each runs in a freshly reset kernel; two runs of one kernel agree exactly.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import BUILD, ROOT
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))

from harness import Kernel, QemuGuest

BOOT_TIMEOUT_S = 30
ROW_TIMEOUT_S = 120


def run_rows(only=""):
    """Boot a counting machine and run the rows whose names contain a text.

    Returns {name: {"instructions": per act, "bytes": heap per act, "heap": bytes live on the heap it ran on}}.
    """
    results = {}
    with QemuGuest(counted=True) as guest:
        kernel = start(guest)
        names, machines, peers = kernel.eval(
            "[getattr(__import__('diagnostics.bench').bench, it)() for it in ('names', 'machines', 'peers')]"
        )
        run_on(kernel, [name for name in names if only in name and name not in machines], results)
    for settings in sorted({tuple(settings.items()) for settings in machines.values()}):
        wanted = [name for name in names if only in name and tuple(machines.get(name, {}).items()) == settings]
        if wanted:
            with machine_of(**dict(settings)) as guest:
                run_on(start(guest), wanted, results)
    for name in results.keys() & peers.keys():
        results[name]["peers"] = peers[name]
    return {name: results[name] for name in names if name in results}


@contextlib.contextmanager
def machine_of(disk=None, **settings):
    """A machine that counts instructions, with what rows say that they need; `disk` is the size of one."""
    with tempfile.NamedTemporaryFile() as image:
        if disk:
            image.truncate(disk)
            settings["disk"] = image.name
        with QemuGuest(counted=True, **settings) as guest:
            yield guest


def start(guest):
    """Return a machine's kernel when it is at its prompt."""
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S)
    return Kernel(guest, timeout=ROW_TIMEOUT_S)


def run_on(kernel, names, results):
    """Run rows in a kernel, each after a soft reset, and put what they cost into results."""
    for name in names:
        kernel.soft_reset()
        kernel.exec("from diagnostics import bench")
        instructions, used, live = kernel.eval(f"bench.run({name!r})")
        results[name] = {"instructions": instructions, "bytes": used, "heap": live}


def commit():
    """Return the commit that was measured, with a mark if files have changed since."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def print_rows(results):
    """Print a table of results."""
    width = max(map(len, results), default=10)
    print(f"{'row':{width}}  instructions   bytes  live heap  peers")
    for name, row in results.items():
        peers = row.get("peers", "")
        print(
            f"{name:{width}}  {row['instructions']:>12,.1f} {row['bytes']:>7,.1f} {row['heap']:>10,}  {peers}".rstrip()
        )


def compare(old, new, limit):
    """Print what changed between two files; return the rows that got worse by more than limit percent."""
    before, after = (json.loads(Path(path).read_text())["rows"] for path in (old, new))
    width = max(map(len, {**before, **after}), default=10)
    worse = []
    for name in {**before, **after}:
        if name not in before or name not in after:
            print(f"{name:{width}}  {'new' if name in after else 'gone'}")
            continue
        was, now = before[name]["instructions"], after[name]["instructions"]
        percent = 100 * (now - was) / was if was else 0
        if was != now or before[name]["bytes"] != after[name]["bytes"]:
            used = f"{before[name]['bytes']:,.1f} -> {after[name]['bytes']:,.1f} bytes"
            print(f"{name:{width}}  {was:>12,.1f} -> {now:>12,.1f}  {percent:+6.1f} %  {used}")
        if percent > limit:
            worse.append(name)
    if before == after:
        print("no difference")
    return worse


def main():
    """Run rows, or compare two results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows whose names contain TEXT")
    parser.add_argument("--output", type=Path, default=BUILD / "bench.json")
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--limit", type=float, default=5.0, help="percent that a row may get worse (5)")
    options = parser.parse_args()
    if options.compare:
        worse = compare(*options.compare, options.limit)
        if worse:
            stop(f"worse by more than {options.limit} %: {', '.join(worse)}")
        return
    results = run_rows(options.only)
    print_rows(results)
    options.output.write_text(json.dumps({"commit": commit(), "rows": results}, indent=1) + "\n")
    say(f"kept in {options.output}")


if __name__ == "__main__":
    main()
