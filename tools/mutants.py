#!/usr/bin/env python3
"""Put one small fault after the other into copies of the tree, and see that the tests notice each. `make mutants`.

    --only TEXT              of tests/mutant_list, those with this text in their description or file
    --random N --seed S      N random ones in kernel/ and port/ instead (tools/mutations.py)
    --id 12345678,...        random mutants by the names that the table gives them
    --budget S               how many seconds of tests a random one has to survive, the likeliest tests first

First all tests that will judge run without a fault: they must pass, or nothing that they say means anything. Then each
mutant is built, kernel and ISO, and its tests run: it is caught when one of them fails. What was said first is in the
table, build/mutants.txt, so that a reader can tell whether it was caught for the right reason.
"""

import shlex
import sys
from pathlib import Path

import campaign
from machine import BUILD, ROOT
from mutant_jobs import QUICK, THOROUGH, THOROUGH_FILES
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))

import mutations
from mutant_list import MUTANTS
from mutant_list.equivalent import EQUIVALENT
from relevance import Relevance, judges

NEEDS = ["kernel", "port", "boot", "tests", "tools", "Makefile", "pyproject.toml"]
TEST_TIMEOUT_S = 400
BASELINE_TIMEOUT_S = 3600
BASELINE_PARTS = 4
"""Into how many parts for each worker the run without a fault is divided."""
SLACK = 20
"""How much longer than measured a random mutant's tests may take; then there is no answer."""


def arguments():
    """Return the parsed command line."""
    parser = campaign.Parser(__doc__, prog="make mutants")
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--random", type=campaign.positive, metavar="N")
    parser.add_argument("--seed", type=campaign.whole, default=1)
    parser.add_argument("--id", metavar="NAME[,NAME...]")
    parser.add_argument("--budget", type=campaign.positive, default=90, metavar="S")
    parser.add_argument("--output", type=Path, default=BUILD / "mutants.txt")
    return parser.parse_args()


def job(name, change, stages, again, is_random):
    """Return the job that tries a fault; change: file, start, old and new bytes."""
    file, start, old, new = change
    words = {"change": (file, start, old.decode("latin-1"), new.decode("latin-1"))}
    return campaign.Job(name, words | {"stages": stages, "again": again, "is_random": is_random}, again)


def listed(text):
    """Return (names of tests, jobs) of the hand-written mutants whose description or file has a text."""
    wanted = [mutant for mutant in MUTANTS if text in mutant[0] or text in mutant[1]]
    if not wanted:
        stop(f"no mutant has {text!r} in its description or file")
    jobs = []
    for what, file, right, wrong, tests in wanted:
        source = (ROOT / file).read_bytes()
        if source.count(right.encode()) != 1:
            stop(f"{what}: {file} does not have this text once: {right!r}")
        change = file, source.index(right.encode()), right.encode(), wrong.encode()
        again = f"make mutants ARGS={shlex.quote(f'--only {shlex.quote(what)}')}"
        jobs.append(job(what, change, [(shlex.split(tests), TEST_TIMEOUT_S, ())], again, False))
    return sorted({test for *_, tests in wanted for test in shlex.split(tests)}), jobs


def chosen(options):
    """Return the random mutants that the options ask for, and how many of those drawn are equivalent."""
    found = mutations.everywhere()
    if options.id:
        names = options.id.split(",")
        wanted = [one for one in found if one.name in names]
        gone = ", ".join(sorted(set(names) - {one.name for one in wanted}))
        if gone:
            stop(f"no random mutant is called {gone}: its line has changed, or there is none such")
        return wanted, []
    drawn = mutations.drawn(found, options.seed)[: options.random]
    return [one for one in drawn if one.key not in EQUIVALENT], [one for one in drawn if one.key in EQUIVALENT]


def within(tests, seconds, budget):
    """Return the first of ranked test files that take so many seconds together, and how many that is.

    One that takes too long by itself is left out, so that it does not stand for all others; if all do, it's the first.
    """
    known = [test for test in tests if test in seconds]
    taken, spent = [], 0.0
    for test in known:
        if spent + seconds[test] <= budget:
            taken.append(test)
            spent += seconds[test]
    return (taken, spent) if taken else (known[:1], seconds[known[0]])


def random_jobs(wanted, seconds, budget):
    """Return the jobs of random mutants; seconds: how long each test file takes."""
    relevance, jobs = Relevance(), []
    for one in wanted:
        _, function, rest = one.key.split(":", 2)
        tests, spent = within(relevance.ranked(one.file, function, rest), seconds, budget)
        limit = int(SLACK * spent) + 60
        stages = [(tests, limit, ("-m", QUICK)), (tests[:THOROUGH_FILES], limit, ("-m", THOROUGH))]
        change = one.file, one.start, one.old, one.new
        jobs.append(job(f"{one.name} {one.key}", change, stages, f"make mutants ARGS='--id {one.name}'", True))
    return jobs


def check_baseline(workers, tests, parts, marks=()):
    """Without a fault all tests must pass; else this ends here. Returns {test file: seconds that it takes}."""
    say(f"without a fault first: {len(tests)} files and tests")
    groups = [tests[number::parts] for number in range(min(parts, len(tests)))]
    jobs = [
        campaign.Job(
            f"without a fault {number}", {"tests": group, "limit": BASELINE_TIMEOUT_S, "marks": marks}, "make test"
        )
        for number, group in enumerate(groups, 1)
    ]
    total = workers.run("mutants: baseline", "mutant_jobs.baseline", jobs)
    if total.status():
        campaign.show(total)
        stop("tests fail without a fault, so they can't judge one" if not total.interrupted else "interrupted")
    say(f"{total.counts.get('passed', 0):,} tests pass without a fault")
    return {file: seconds for result in total.results for file, seconds in result.said.items()}


def table(total, output):
    """Return what to do with each result: a line for it, and the table so far, in the order of the list."""
    places = {one.name: number for number, one in enumerate(total, 1)}
    lines, tally = {}, {}

    def done(result):
        for name, count in result.counts.items():
            tally[name] = tally.get(name, 0) + count
        place = places[result.job.name]
        said = result.error or str(result.said)
        lines[place] = f"{place:3} {result.seconds:4.0f} s  {result.job.name:75} {said[:200]}"
        counts = ", ".join(f"{count} {name}" for name, count in sorted(tally.items()))
        print(f"{len(lines)} of {len(places)}, {counts}  {lines[place]}", flush=True)
        output.write_text("".join(f"{lines[at]}\n" for at in sorted(lines)))

    return done


def main():
    """Try mutants; return the exit status."""
    options = arguments()
    is_random = bool(options.random or options.id)
    if is_random and options.only:
        stop("--only chooses from the list, --random and --id don't: leave one out")
    if is_random:
        options.json = options.json or (BUILD / "mutants-random.json" if options.random else None)
        wanted, equivalent = chosen(options)
        tests = judges()
    else:
        tests, jobs = listed(options.only)
    with campaign.Workers(options.jobs, NEEDS) as workers:
        seconds = check_baseline(workers, tests, BASELINE_PARTS * options.jobs)
        if is_random:
            jobs = random_jobs(wanted, seconds, options.budget)
        total = workers.run("mutants", "mutant_jobs.perform", jobs, table(jobs, options.output))
        counts = {"caught": 0, "escaped": 0, "no program": 0} | total.counts
        tried = counts["caught"] + counts["escaped"]
        share = f" ({100 * counts['caught'] / tried:.1f} %)" if tried else ""
        say(f"{counts['caught']} of {tried} mutants were caught{share}; the table is in {options.output}")
        if is_random:
            say(f"besides, {counts['no program']} were no program, and {len(equivalent)} change nothing, by name:")
            print("".join(f"  {one.name} {one.key}: {EQUIVALENT[one.key]}\n" for one in equivalent), end="")
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
