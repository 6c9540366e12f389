"""Run random programs in a kernel: `make fuzz SEED=1 N=200000`. A failure says the seed and the shortest prefix."""

import argparse
import sys
import time

from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from harness import Kernel, KernelRaised, QemuGuest
from on_target import source

CHUNK = 2500
PROGRESS_INTERVAL_S = 10
VERIFY_EVERY = 250


class FuzzFailure(AssertionError):
    """A run went wrong: .seed, .operations (the shortest prefix that fails), .text."""

    def __init__(self, seed, operations, text):
        super().__init__(
            f"seed {seed} fails after {operations} operations: make fuzz SEED={seed} N={operations}\n{text}"
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


def run(seed, operations, memory="128M", progress=None):
    """Run `operations` random operations; return how many of each. Raises FuzzFailure.

    progress(how many are done) is called now and then.
    """
    with QemuGuest(memory=memory) as guest:
        guest.console.wait_for_prompt(20)
        kernel = Kernel(guest, timeout=120)
        begin(kernel, seed)
        try:
            for done in range(0, operations, CHUNK):
                kernel.exec(f"fuzz.run({min(CHUNK, operations - done)}, {VERIFY_EVERY})")
                compare_with_qemu(guest, kernel)
                if progress is not None:
                    progress(min(done + CHUNK, operations))
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=50_000)
    options = parser.parse_args()
    began = last = time.monotonic()

    def progress(done):
        nonlocal last
        if time.monotonic() - last >= PROGRESS_INTERVAL_S:
            last = time.monotonic()
            rate = done / (last - began)
            left = (options.operations - done) / rate
            print(f"  {done:,} of {options.operations:,} operations, {rate:,.0f}/s, {left:,.0f} s left", flush=True)

    counts = run(options.seed, options.operations, progress=progress)
    print(f"seed {options.seed}: {options.operations} operations, no difference")
    print("  ".join(f"{name[3:]} {count}" for name, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
