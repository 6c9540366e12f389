"""Hostile programs in a kernel: `make storms SEED=1 N=200000 CALLS=15000`. Malformed calls, and storms.

A storm is around one kind of attack: it has a model of its own, faults injected, and callbacks and Ctrl-C at random
moments. What goes wrong is named with the seed and the operation, and the command that does the same again.
"""

import ast
import collections
import sys

import campaign
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from harness import GuestFailure, Kernel, KernelRaised, QemuGuest
from on_target import source

# How many calls or operations are done between two looks from outside, and by one job.
CHUNK = 500
CALLS = 2_500
OPERATIONS = 10_000
ANSWER_TIMEOUT_S = 120
SHOWN = 20
PUBLIC = "memory", "paging", "faults", "loader", "memory_structs", "shell"
# What a storm is about: the names in tests/on_target/attacks/storm.py.
KINDS = "alignment", "callbacks", "views", "depth", "doors"
MALFORMED = "malformed"
NEEDS = "build/kernel.elf", "tests/on_target", "tools/storms.py"


def parameters():
    """Return {name: [parameter names, ...]} of all public functions, and of constructors by the names of classes."""
    found = collections.defaultdict(set)
    for package in PUBLIC:
        for path in (ROOT / "kernel" / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and (node.name[0] != "_" or node.name[:2] == "__"):
                    found[node.name].add(names_of(node))
                elif isinstance(node, ast.ClassDef):
                    makers = [
                        part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"
                    ]
                    found[node.name] |= {names_of(maker) for maker in makers}
    return {name: sorted(variants) for name, variants in found.items() if variants}


def names_of(function):
    """Return the names of a function's parameters, but for `self` and `cls`."""
    names = [argument.arg for argument in function.args.args + function.args.kwonlyargs]
    return tuple(names[1:] if names[:1] in (["self"], ["cls"]) else names)


def run(kind, seed, count):
    """Make so many malformed calls, or do so many operations of a storm of a kind, in a kernel of its own.

    Returns (how many were done, what was wrong: [(number of the operation, text), ...]).
    """
    done, wrong = 0, []
    try:
        with QemuGuest(memory="128M") as guest:
            guest.console.wait_for_prompt(20)
            kernel = Kernel(guest, timeout=ANSWER_TIMEOUT_S)
            begin(kernel, kind, seed)
            while done < count and not wrong:
                done, wrong = kernel.eval(f"it.run({min(CHUNK, count - done)})")
            return done, wrong or kernel.eval("it.finish()")
    except (GuestFailure, KernelRaised) as failure:
        return done, [(done + CHUNK, f"{kind}: {failure}")]


def begin(kernel, kind, seed):
    """Let `it` be what a kernel runs: malformed calls, or a storm of a kind."""
    names = ["world", "targets", "judge", "malformed"] if kind == MALFORMED else ["storm_tools", "storm"]
    for name in ["prelude", *names]:
        kernel.exec(source(f"attacks/{name}"))
    kernel.exec(f"it = Malformed({seed}, {parameters()!r})" if kind == MALFORMED else f"it = Storm({seed}, {kind!r})")


def command(kind, seed, count):
    """Return the command that does a job, or its beginning, again."""
    if kind == MALFORMED:
        return f"make storms SEED={seed} N=0 CALLS={count}"
    return f"make storms SEED={seed} N={count} CALLS=0 ARGS='--kind {kind}'"


def perform(kind, seed, count):
    """Do one job of the campaign."""
    done, wrong = run(kind, seed, count)
    name = "calls" if kind == MALFORMED else f"operations, {kind}"
    found = [(f"{kind}, seed {seed}: {text.splitlines()[0]}", command(kind, seed, place)) for place, text in wrong]
    return {"counts": {name: done}, "disagreements": found, "said": "\n".join(text for _, text in wrong)}


def jobs_of(seed, operations, calls, kinds=KINDS):
    """Return the jobs: malformed calls, and as many operations of each kind; each piece of a kind has the next seed."""
    wanted = [(MALFORMED, calls, CALLS)] + [(kind, -(-operations // len(kinds)), OPERATIONS) for kind in kinds]
    found = []
    for kind, count, most in wanted:
        for number, begun in enumerate(range(0, count, most)):
            words = {"kind": kind, "seed": seed + number, "count": min(most, count - begun)}
            found.append(campaign.Job(f"{kind}, seed {seed + number}", words, command(**words), words["count"]))
    return found


def main():
    """Run the campaign; return the exit status."""
    parser = campaign.Parser(__doc__, prog="make storms")
    parser.add_argument("--seed", type=campaign.whole, default=1, help="of the first job of each kind")
    parser.add_argument("--operations", type=campaign.whole, default=200_000, help="of the storms together")
    parser.add_argument("--calls", type=campaign.whole, default=15_000, help="malformed calls")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only storms of this kind")
    options = parser.parse_args()
    jobs = jobs_of(options.seed, options.operations, options.calls, options.kind or KINDS)
    if not jobs:
        parser.error("--operations and --calls: one of them must be above 0")
    with campaign.Workers(options.jobs, needs=NEEDS) as workers:
        total = workers.run("storms", "storms.perform", jobs)
        differing = f"{len(total.disagreements) or 'no'} complaints"
        print(f"seed {options.seed}: {sum(total.counts.values()):,} acts in {len(total.results)} programs, {differing}")
        print("  ".join(f"{name} {count:,}" for name, count in total.counts.items()))
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
