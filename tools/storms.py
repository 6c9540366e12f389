"""Hostile programs in a kernel: `make storms SEED=1 N=200000`. Malformed calls, then storms around each kind of attack.

A storm has a model of its own, faults injected, and callbacks and Ctrl-C at random moments. What goes wrong is named
with the seed and the operation: the same seed does the same again.
"""

import argparse
import ast
import collections
import sys
import time

from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from harness import Kernel, QemuGuest
from on_target import source

PROGRESS_INTERVAL_S = 10
# How many calls or operations are done between two looks from outside.
CHUNK = 500
ANSWER_TIMEOUT_S = 120
PUBLIC = "memory", "paging", "faults", "loader", "memory_structs", "shell"
# What a storm is about: the names in tests/on_target/attacks/storm.py.
KINDS = "alignment", "callbacks", "views", "depth", "doors"


class StormFailure(AssertionError):
    """What went wrong, by seed and operation."""


def parameters():
    """Return {name: [parameter names, ...]} of all public functions, and of constructors by the names of classes."""
    found = collections.defaultdict(set)
    for package in PUBLIC:
        for path in (ROOT / "kernel" / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and (
                    node.name[0] != "_" or node.name in ("__enter__", "__exit__")
                ):
                    found[node.name].add(names_of(node))
                elif isinstance(node, ast.ClassDef):
                    makers = [
                        part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"
                    ]
                    found[node.name] |= {names_of(maker) for maker in makers}
    return {name: sorted(variants) for name, variants in found.items() if variants}


def names_of(function):
    names = [argument.arg for argument in function.args.args]
    return tuple(names[1:] if names[:1] in (["self"], ["cls"]) else names)


def run_in_kernel(sources, begin, step, operations, memory, progress):
    """Boot, run `begin`, then `step % count` until all are done; it answers with (done, what was wrong).

    Returns how many were done. Raises StormFailure.
    """
    with QemuGuest(memory=memory) as guest:
        guest.console.wait_for_prompt(20)
        kernel = Kernel(guest, timeout=ANSWER_TIMEOUT_S)
        for name in sources:
            kernel.exec(source(name))
        kernel.exec(begin)
        done = 0
        while done < operations:
            done, wrong = kernel.eval(step % min(CHUNK, operations - done))
            if wrong:
                raise StormFailure("\n".join(wrong[:20]))
            if progress is not None:
                progress(done)
        return done


def malformed(seed, calls, memory="128M", progress=None):
    """Make `calls` malformed calls; return how many. Raises StormFailure."""
    begin = f"calls = Malformed({seed}, {parameters()!r})"
    sources = "attacks/prelude", "attacks/world", "attacks/malformed"
    return run_in_kernel(sources, begin, "calls.run(%d)", calls, memory, progress)


def storm(seed, operations, kind=None, memory="128M", progress=None):
    """Do `operations` operations of a storm, of one kind or of all; return how many. Raises StormFailure."""
    sources = "attacks/prelude", "attacks/storm_tools", "attacks/storm"
    begin = f"storm = Storm({seed}, {kind!r})"
    return run_in_kernel(sources, begin, "storm.run(%d)", operations, memory, progress)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=200_000, help="of the storms together")
    parser.add_argument("--calls", type=int, default=15_000, help="malformed calls")
    options = parser.parse_args()
    jobs = [("malformed calls", malformed, options.calls, {})]
    jobs += [(f"storm of {kind}", storm, options.operations // len(KINDS), {"kind": kind}) for kind in KINDS]
    failed = False
    for name, job, count, more in jobs:
        last = time.monotonic()

        def progress(done, name=name, count=count):
            nonlocal last
            if time.monotonic() - last >= PROGRESS_INTERVAL_S:
                last = time.monotonic()
                print(f"  {name}: {done:,} of {count:,}", flush=True)

        try:
            done = job(options.seed, count, progress=progress, **more) if count else 0
            print(f"{name}, seed {options.seed}: {done:,}, nothing wrong", flush=True)
        except AssertionError as failure:
            failed = True
            print(f"{name}, seed {options.seed}:\n{failure}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
