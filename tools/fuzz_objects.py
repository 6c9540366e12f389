"""Load damaged object files: `make fuzz-objects SEED=1 FILES=20000`. A failure names the file's number."""

import sys

import campaign
from machine import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests"))

from harness import Kernel, QemuGuest
from harness.objects import MODELS, compiled
from loader.sources import COUNTER, MATH
from on_target import source

CHUNK = 250
PROGRAM = 2_500  # files of one job
WHOLE = 20_000  # of a whole run
MODELS_IN_TURN = ("default", "kernel", "pic", "large pie")


def bases(model):
    """Return the objects that are damaged, one at a time: they need each other."""
    return [(name, compiled(text, *MODELS[model])) for name, text in (("math.o", MATH), ("counter.o", COUNTER))]


def run(kernel, seed, first, files, model):
    """Try files in a kernel; return (how many ended in which way, None or what went wrong and with which file)."""
    kernel.exec(source("loader/fuzz"))
    kernel.exec(f"fuzz = ObjectFuzz({bases(model)!r})")
    for done in range(0, files, CHUNK):
        wrong = kernel.eval(f"fuzz.run({seed}, {first + done}, {min(CHUNK, files - done)})", timeout=300)
        if wrong:
            return kernel.eval("fuzz.done"), wrong
    return kernel.eval("fuzz.done"), None


def perform(seed, first, files, model):
    """Do one job of the campaign."""
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(60)
        counts, wrong = run(Kernel(guest, timeout=120), seed, first, files, model)
    answer = {"counts": {"files": sum(counts.values())} | counts, "disagreements": []}
    if wrong:
        again = f"make fuzz-objects SEED={seed} ARGS='--first {wrong[0]} --files 1 --model \"{model}\"'"
        answer["disagreements"] = [(f"seed {seed}, file {wrong[0]} ({model}): {wrong[1]}", again)]
    return answer


def jobs_of(seed, first, files, model=None):
    """Return the jobs of so many files, the code models in turn."""
    jobs = []
    for number, begin in enumerate(range(first, first + files, PROGRAM)):
        size = min(PROGRAM, first + files - begin)
        which = model or MODELS_IN_TURN[number % len(MODELS_IN_TURN)]
        again = f"make fuzz-objects SEED={seed} ARGS='--first {begin} --files {size} --model \"{which}\"'"
        words = {"seed": seed, "first": begin, "files": size, "model": which}
        jobs.append(campaign.Job(f"files from {begin}", words, again, size))
    return jobs


def main():
    """Run the campaign; return the exit status."""
    parser = campaign.Parser(__doc__, prog="make fuzz-objects")
    parser.add_argument("--seed", type=campaign.whole, default=1, help="of all files; each has a number, too")
    parser.add_argument("--files", type=campaign.positive, default=WHOLE, help=f"in jobs of {PROGRAM:,}")
    parser.add_argument("--first", type=campaign.whole, default=0, help="the number of the first file")
    parser.add_argument("--model", choices=MODELS, help="one code model for all files")
    options = parser.parse_args()
    if options.files >= WHOLE and not options.first and not options.model:
        options.json = options.json or BUILD / "fuzz-objects.json"
    with campaign.Workers(options.jobs, needs=["build/kernel.elf", "tests/on_target", "tests/loader"]) as workers:
        jobs = jobs_of(options.seed, options.first, options.files, options.model)
        total = workers.run("fuzz-objects", "fuzz_objects.perform", jobs)
        counts = dict(total.counts)
        differing = f"{len(total.disagreements) or 'no'} differences"
        print(f"seed {options.seed}: {counts.pop('files', 0):,} damaged object files, {differing}")
        print("  ".join(f"{name} {count}" for name, count in counts.items()))
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
