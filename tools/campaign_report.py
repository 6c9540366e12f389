"""How a campaign (campaign.py) shows itself: its progress, and its sum as JSON and as JUnit XML."""

import sys
import time
from dataclasses import asdict
from xml.etree import ElementTree

PROGRESS_INTERVAL_S = 10


class Progress:
    """How far a campaign is, and how long the rest may take: a line that is rewritten on a terminal, else one in ten
    seconds. Goes to stderr."""

    def __init__(self, jobs):
        self.begun = self.said = time.monotonic()
        self.weight, self.done = sum(job.weight for job in jobs), 0
        self.is_shown = False

    def show(self, total, weight):
        """A job of this weight is done."""
        self.done += weight
        now = time.monotonic()
        if not sys.stderr.isatty() and now - self.said < PROGRESS_INTERVAL_S:
            return
        self.said = now
        left = (now - self.begun) * (self.weight - self.done) / self.done
        line = f"  {len(total.results)} of {len(total.jobs)} jobs, {len(total.disagreements)} disagree, "
        line += f"{clock(now - self.begun)} so far, about {clock(left)} left"
        self.is_shown = sys.stderr.isatty()
        print(line, end="" if self.is_shown else "\n", file=sys.stderr, flush=True)

    def clear(self):
        """Make room for another line."""
        if self.is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self.is_shown = False


def clock(seconds):
    """Return a time as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def as_json(total):
    """Return a Sum as what JSON can say."""
    return {
        "campaign": total.name,
        "jobs": len(total.jobs),
        "done": len(total.results),
        "interrupted": total.interrupted,
        "counts": total.counts,
        "disagreements": [{"text": text, "again": again} for text, again in total.disagreements],
        "results": [asdict(result) for result in total.results],
    }


def as_junit(total):
    """Return a Sum as JUnit's XML: a test case for each job; those that did not come to run are skipped."""
    suite = ElementTree.Element("testsuite", name=total.name, tests=str(len(total.jobs)))
    suite.set("failures", str(sum(bool(result.disagreements) for result in total.results)))
    suite.set("errors", str(len(total.errors)))
    suite.set("skipped", str(len(total.jobs) - len(total.results)))
    found = {result.job.name: result for result in total.results}
    for job in total.jobs:
        result = found.get(job.name)
        case = ElementTree.SubElement(suite, "testcase", classname=total.name, name=job.name)
        if result is None:
            ElementTree.SubElement(case, "skipped", message="interrupted before it ran")
            continue
        case.set("time", f"{result.seconds:.3f}")
        for text, again in result.disagreements:
            ElementTree.SubElement(case, "failure", message=text).text = again
        if result.error:
            ElementTree.SubElement(case, "error", message=result.error).text = job.again
        ElementTree.SubElement(case, "system-out").text = " ".join(f"{k} {v}" for k, v in result.counts.items())
    return suite
