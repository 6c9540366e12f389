"""Campaigns: lists of seeded jobs that run on Dask, on this machine or on a cluster, and are summed up.

    options = campaign.Parser(...).parse_args()        # --jobs, --json and --junit are there already
    with campaign.Workers(options.jobs, needs=["build/kernel.elf"]) as workers:
        total = workers.run("fuzz", "fuzz.perform", [Job("seed 7", {"seed": 7}, "make fuzz SEED=7")])
        status = campaign.conclude(total, options)

The environment's SCHEDULER=tcp://HOST:PORT names a cluster; without it a local one is started, and ends with us. What a
job does is a function (module.function, found in tools/ or tests/) that returns
{"counts": {name: number}, "disagreements": [(text, command that shows it again)], "said": what else JSON can hold}.
It may run on any worker, and again after a worker died: the same words give the same answer.
"""

import argparse
import hashlib
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import cloudpickle
from campaign_report import Progress, as_json, as_junit
from distributed import Client, LocalCluster, WorkerPlugin, as_completed
from machine import ROOT
from say import say, stop

CONNECT_TIMEOUT_S = 10
SHOWN = 100
INTERRUPTED = 130
"""The exit status after Ctrl-C, as a shell has it."""

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # see portable()


@dataclass(frozen=True)
class Job:
    """One part of a campaign. name: unique in it. words: keyword arguments, plain data. again: the command that runs it
    alone. weight: how long it takes, compared with the others."""

    name: str
    words: dict
    again: str
    weight: float = 1


@dataclass
class Result:
    """What a job found. error: why it has no answer, in one line; else "". seconds: on the worker."""

    job: Job
    counts: dict = field(default_factory=dict)
    disagreements: list = field(default_factory=list)
    said: object = ""
    error: str = ""
    seconds: float = 0


@dataclass
class Sum:
    """What a campaign has found so far: the results in the order of its jobs, whatever order they came in."""

    name: str
    jobs: list
    results: list = field(default_factory=list)
    interrupted: bool = False

    @property
    def counts(self):
        """The jobs' counts, added up."""
        total = Counter()
        for result in self.results:
            total.update(result.counts)
        return dict(sorted(total.items()))

    @property
    def disagreements(self):
        """(text, command that shows it again) pairs, in the order of the jobs."""
        return [tuple(pair) for result in self.results for pair in result.disagreements]

    @property
    def errors(self):
        """The results of jobs that have no answer."""
        return [result for result in self.results if result.error]

    def add(self, result):
        """Take a result in, at its job's place."""
        self.results.append(result)
        place = {job.name: number for number, job in enumerate(self.jobs)}
        self.results.sort(key=lambda result: place[result.job.name])

    def status(self):
        """Return the exit status: 0 only if every job answered, and none disagreed."""
        if self.interrupted:
            return INTERRUPTED
        return 1 if self.disagreements or self.errors or len(self.results) < len(self.jobs) else 0


class Parser(argparse.ArgumentParser):
    """A command line that every campaign has: --jobs, --json, --junit; what is wrong with it is said in one line."""

    def __init__(self, text, **options):
        super().__init__(description=text, formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.add_argument(
            "--jobs", type=positive, default=os.cpu_count(), metavar="N", help="how many at a time (all CPUs)"
        )
        self.add_argument("--json", type=new_file, metavar="FILE", help="write the sum and every job's part as JSON")
        self.add_argument("--junit", type=new_file, metavar="FILE", help="write the same as JUnit XML")

    def error(self, message):
        stop(f"{self.prog}: {message} (--help lists the options)")


def positive(text):
    """Return a number above 0, for a command line."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: at least 1")
    return number


def whole(text):
    """Return a number, decimal or 0x..., for a command line."""
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def new_file(text):
    """Return the path of a file that can be written, for a command line: better known before an hour's work."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text}: no file can be written there")
    return path


# --- On a worker. ---


def digest_of(root, names):
    """Return a SHA-256 over files, and all files in folders, below a root: two checkouts that say it are the same."""
    digest = hashlib.sha256()
    for name in names:
        path = Path(root) / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(root)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def perform(root, needs, digest, work, words):
    """Do one job on a worker, in the checkout of the same path or else in the folder where the worker was started.

    Returns (seconds, what the job's function returned). Raises RuntimeError if what it needs is not the same there.
    """
    home = Path(root) if Path(root, "tools/campaign.py").exists() else Path.cwd()
    if not Path(home, "tools/campaign.py").exists():
        raise RuntimeError(f"the worker in {home} has no checkout: start it in one")
    if any(not Path(home, name).exists() for name in needs) or digest_of(home, needs) != digest:
        raise RuntimeError(f"the worker in {home} has another {' or '.join(needs)}: the same commit, built, is needed")
    for folder in "tools", "tests":
        if str(home / folder) not in sys.path:
            sys.path.insert(0, str(home / folder))
    module, _, function = work.rpartition(".")
    begun = time.monotonic()
    answer = getattr(__import__(module, fromlist=[function]), function)(**words)
    return time.monotonic() - begun, answer


def portable():
    """Return `perform` so that it is sent as code: a scheduler or worker elsewhere can't import this module."""

    def perform_there(*words):
        return perform(*words)

    return perform_there


class OutOfTheTerminal(WorkerPlugin):
    """Ctrl-C in the terminal is for the campaign, which ends its workers; they themselves don't hear it."""

    name = "out-of-the-terminal"

    def setup(self, worker):
        if os.getpgrp() != os.getpid():
            os.setpgid(0, 0)


# --- Here. ---


class Workers:
    """Where jobs run: the cluster of SCHEDULER, or a local one of `jobs` processes. Use it with `with`.

    needs: files and folders of the checkout that have to be the same wherever a job runs. Ends the tool with one line
    if there is no such scheduler, or nobody works for it.
    """

    def __init__(self, jobs, needs=()):
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self.handlers = {number: signal.signal(number, interrupt_once) for number in (signal.SIGINT, signal.SIGTERM)}
        lacking = [name for name in needs if not (ROOT / name).exists()]
        if lacking:
            stop(f"{' and '.join(lacking)} is not there: make all")
        self.needs = list(needs)
        self.digest = digest_of(ROOT, needs)
        self.cluster = self.folder = None
        address = os.environ.get("SCHEDULER")
        if address:
            self.client = connect(address)
            self.where = f"{len(self.client.nthreads())} workers of {address}"
            return
        self.folder = tempfile.TemporaryDirectory(prefix="clew-campaign-", ignore_cleanup_errors=True)
        self.cluster = LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            local_directory=self.folder.name,
            silence_logs=logging.CRITICAL,
        )
        self.client = Client(self.cluster)
        self.client.register_plugin(OutOfTheTerminal())
        self.where = f"{jobs} processes here"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        if self.cluster is not None:
            self.cluster.close()
            self.folder.cleanup()
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def run(self, name, work, jobs, done=lambda result: None):
        """Run jobs by the function `work` ("module.function"); return their Sum. done(result) hears of each at once.

        Ctrl-C ends it: what hasn't answered is missing in the Sum. A worker that dies has its jobs run by another one;
        a job that took three along is given up.
        """
        total, progress = Sum(name, list(jobs)), Progress(jobs)
        say(f"{name}: {len(total.jobs)} jobs on {self.where}")
        prefix = f"{name}-{os.getpid()}-{time.time_ns()}"
        words = (str(ROOT), self.needs, self.digest, work)
        futures = {}
        try:
            for number, job in enumerate(total.jobs):
                future = self.client.submit(portable(), *words, job.words, key=f"{prefix}-{number}", pure=False)
                futures[future] = job
            for future in as_completed(futures):
                result = result_of(future, futures[future])
                total.add(result)
                progress.clear()
                done(result)
                progress.show(total, result.job.weight)
        except KeyboardInterrupt:
            total.interrupted = True
            self.client.cancel(list(futures))
        progress.clear()
        return total


def interrupt_once(*_):
    """Ctrl-C, or a CI that gives up: end the campaign, in peace; those who type it twice wait 4 s at most, too."""
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def connect(address):
    """Return a client of a scheduler that somebody else runs, with workers that understand us; or stop with a line."""
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT_S)
    except (OSError, ValueError) as error:
        stop(f"SCHEDULER={address}: no scheduler answers there ({first_line(error)}); dask scheduler starts one")
    try:
        client.wait_for_workers(1, timeout=CONNECT_TIMEOUT_S)
        client.get_versions(check=True)
    except TimeoutError:
        stop(f"SCHEDULER={address}: it has no workers; in a checkout: .venv/bin/dask worker {address}")
    except ValueError:
        stop(f"SCHEDULER={address}: Python or Dask there is another version than here: use requirements.txt")
    return client


def result_of(future, job):
    """Return the Result of a job whose future is done, however it ended."""
    try:
        seconds, answer = future.result()
    except CancelledError:
        return Result(job, error="the scheduler went away")
    except Exception as error:
        return Result(job, error=f"{type(error).__name__}: {first_line(error)}")
    pairs = [tuple(pair) for pair in answer.get("disagreements", ())]
    return Result(job, dict(answer["counts"]), pairs, answer.get("said", ""), "", seconds)


def first_line(error):
    """Return the first line that an exception says."""
    return next(iter(str(error).splitlines()), "")


# --- The sum, for a person and for a CI. ---


def conclude(total, options):
    """Print what disagreed and what failed, one line each, and write the files; return the exit status."""
    show(total)
    if options.json:
        options.json.write_text(json.dumps(as_json(total), indent=1) + "\n")
    if options.junit:
        ElementTree.ElementTree(as_junit(total)).write(options.junit, encoding="utf-8", xml_declaration=True)
    if total.interrupted:
        say(f"interrupted: this is the sum of {len(total.results)} of {len(total.jobs)} jobs")
    return total.status()


def show(total):
    """Print what disagreed and which jobs failed, one line each, with the command that shows it again."""
    pairs = total.disagreements
    for text, again in pairs[:SHOWN]:
        print(f"  {text}; again: {again}")
    if len(pairs) > SHOWN:
        print(f"  ... and {len(pairs) - SHOWN:,} more, all in what --json and --junit write")
    alike = {}
    for result in total.errors:
        alike.setdefault(result.error, []).append(result.job)
    for error, jobs in alike.items():
        others = f" (and {len(jobs) - 1} jobs like this)" if len(jobs) > 1 else ""
        print(f"  {jobs[0].name} has no answer: {error}{others}; again: {jobs[0].again}")
