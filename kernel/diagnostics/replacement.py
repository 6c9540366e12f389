"""Replacement policies compared: how often each faults, by the number of frames, as a chart."""

from replacement.laboratory import INTERVAL, check, faults_of
from replacement.policies import policy_of

from diagnostics.text import GAP, WIDTH, View

BAR_MIN, BAR_MAX = 4, 40


class Chart(View):
    """Faults of policies for a Trace; `.rows` are (policy's name, [faults with each number of `.frames`]).

    The longest bar is the most faults. Everything is checked before anything is run: raises what
    replacement.laboratory.faults_in does. told(done, all) is called before each run.
    """

    def __init__(self, trace, policies, frames, interval=INTERVAL, told=lambda done, all: None):
        self.trace = trace
        self.frames = list(frames)
        for count in self.frames:
            check(trace, count, interval)
        chosen = [policy_of(each) for each in policies]
        self.rows, done = [], 0
        for policy in chosen:
            faults = []
            for count in self.frames:
                told(done, len(chosen) * len(self.frames))
                faults.append(faults_of(policy, count, trace, interval))
                done += 1
            self.rows.append((policy.name, faults))

    def lines(self, width=WIDTH):
        most = max([max(faults) for _, faults in self.rows])
        digits, names = len(str(most)), max([len("frames")] + [len(name) for name, _ in self.rows])
        room = width - names
        columns = min(len(self.frames), max(1, room // (len(GAP) + digits + 1 + BAR_MIN)))
        bar = min(BAR_MAX, room // columns - len(GAP) - digits - 1)
        yield "faults of %r" % self.trace
        for first in range(0, len(self.frames), columns):
            yield ""
            heads = ["%*d %-*s" % (digits, count, bar, "") for count in self.frames[first : first + columns]]
            yield GAP.join(["%-*s" % (names, "frames")] + heads).rstrip()
            for name, faults in self.rows:
                cells = [
                    "%*d %-*s" % (digits, count, bar, "#" * (count * bar // most))
                    for count in faults[first : first + columns]
                ]
                yield GAP.join(["%-*s" % (names, name)] + cells).rstrip()
