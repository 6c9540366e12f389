"""Run random programs in a kernel: `make fuzz SEED=1 N=200000`. A failure says the seed and the shortest prefix.

Hostile programs, with malformed calls and faults injected, are `make storms`."""

import sys

import campaign
from machine import ROOT, depth_word

sys.path.insert(0, str(ROOT / "tests"))

from harness import Kernel, KernelRaised, QemuGuest
from on_target import source

CHUNK = 2500
PROGRAM = 25_000  # operations of one job
VERIFY_EVERY = 250


class FuzzFailure(AssertionError):
    """A run went wrong: .seed, .operations (the shortest prefix that fails), .text."""

    def __init__(self, seed, operations, text):
        super().__init__(
            f"seed {seed} fails after {operations} operations: "
            f"make fuzz {depth_word()}SEED={seed} N={operations}\n{text}"
        )
        self.seed = seed
        self.operations = operations


def begin(kernel, seed):
    """Start a run in a fresh kernel."""
    kernel.exec(source("memory/prelude"))
    kernel.exec(source("memory/fuzz"))
    kernel.exec(f"fuzz = Fuzz({seed})")


def compare_with_qemu(guest, kernel):
    """Let QEMU's own MMU translate a sample, from the tables that CR3 names."""
    for address, physical in kernel.eval("fuzz.sample()"):
        answer = guest.monitor.human(f"gva2gpa {address:#x}").strip()
        assert answer == f"gpa: {physical:#x}", f"{address:#x}: {answer}, the kernel says {physical:#x}"


def run(seed, operations, memory="128M"):
    """Run `operations` random operations; return how many of each. Raises FuzzFailure."""
    with QemuGuest(memory=memory) as guest:
        guest.console.wait_for_prompt(20)
        kernel = Kernel(guest, timeout=120)
        begin(kernel, seed)
        try:
            for done in range(0, operations, CHUNK):
                kernel.exec(f"fuzz.run({min(CHUNK, operations - done)}, {VERIFY_EVERY})")
                compare_with_qemu(guest, kernel)
            counts = kernel.eval("fuzz.done")
            kernel.exec("fuzz.finish()")
            return counts
        except (KernelRaised, AssertionError) as failure:
            failed_at = kernel.eval("fuzz.count")
            text = str(failure)
    raise FuzzFailure(seed, shortest(seed, failed_at + 1, memory), text)


def shortest(seed, operations, memory):
    """Return the length of the shortest prefix that fails: the same run again, with an audit after every operation."""
    with QemuGuest(memory=memory) as guest:
        guest.console.wait_for_prompt(20)
        kernel = Kernel(guest, timeout=900)
        begin(kernel, seed)
        try:
            kernel.exec(f"fuzz.run({max(0, operations - 2 * VERIFY_EVERY)}, {VERIFY_EVERY})")
            kernel.exec(f"fuzz.run({min(operations, 2 * VERIFY_EVERY)}, 1)")
        except KernelRaised:
            pass
        return kernel.eval("fuzz.count") + 1


def perform(seed, operations):
    """Do one job of the campaign: a program of so many operations from a seed."""
    try:
        counts = run(seed, operations)
    except FuzzFailure as failure:
        again = f"make fuzz {depth_word()}SEED={failure.seed} N={failure.operations}"
        text = f"seed {seed} fails after {failure.operations} operations: {failure.text.splitlines()[-1]}"
        return {"counts": {"programs": 1}, "disagreements": [(text, again)], "said": failure.text}
    return {"counts": {"programs": 1, "operations": operations} | {name[3:]: n for name, n in counts.items()}}


def jobs_of(seed, operations):
    """Return the jobs of so many operations: programs of PROGRAM operations or fewer, each with a seed of its own."""
    sizes = [min(PROGRAM, operations - done) for done in range(0, operations, PROGRAM)]
    return [
        campaign.Job(
            f"seed {seed + number}",
            {"seed": seed + number, "operations": size},
            f"make fuzz {depth_word()}SEED={seed + number} N={size}",
            size,
        )
        for number, size in enumerate(sizes)
    ]


def main():
    """Run the campaign; return the exit status."""
    parser = campaign.Parser(__doc__, prog="make fuzz")
    parser.add_argument("--seed", type=campaign.whole, default=1, help="of the first program; each has the next one")
    parser.add_argument("--operations", type=campaign.positive, default=50_000, help=f"in programs of {PROGRAM:,}")
    options = parser.parse_args()
    with campaign.Workers(options.jobs, needs=["build/kernel.elf", "tests/on_target"]) as workers:
        total = workers.run("fuzz", "fuzz.perform", jobs_of(options.seed, options.operations))
        counts = total.counts
        done, programs = counts.pop("operations", 0), counts.pop("programs", 0)
        differing = f"{len(total.disagreements) or 'no'} differences"
        print(f"seed {options.seed}: {done:,} operations in {programs} programs, {differing}")
        print("  ".join(f"{name} {count}" for name, count in counts.items()))
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
