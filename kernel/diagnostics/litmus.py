"""What came of a litmus test, as the prompt shows it: each outcome, how often, and what was to be seen or not."""

from litmus.text import PAGES, kinds_of, said

from diagnostics.text import GAP, WIDTH, View, columns, fitted

BAR_MIN, BAR_MAX = 8, 40
FORBIDDEN, EXPECTED = "NEVER", "may"
EMULATORS = (
    "QEMU and Bochs walk for no access that does not happen, cache no upper tables and one translation of a page:"
    " what is allowed may not show here. QEMU forgets GLOBAL pages with all others."
)

KNOWN = (
    "QEMU forgets nothing at a page fault, against the SDM: a read behind a write that faulted may still find the page."
)


class Histogram(View):
    """Outcomes of a Test: `.test`, `.counts` {outcome: how often}; `.forbidden` runs had what must never be seen."""

    def __init__(self, test, counts):
        self.test = test
        self.counts = counts
        self.places = test.places()
        self.forbidden = sum([often for outcome, often in counts.items() if self._any(test.never, outcome)])

    def _any(self, conditions, outcome):
        return any([each.holds(self.places, outcome) for each in conditions])

    def shown(self):
        """Return the numbers of the places that have a column: results, and what differs or a condition names."""
        named = [term[0] for each in self.test.may + self.test.never for term in each.terms]
        kinds = kinds_of(self.test)
        found = []
        for number, place in enumerate(self.places):
            values = set([outcome[number] for outcome in self.counts])
            if place in kinds or place in named or len(values) > 1:
                found.append(number)
        return found

    def lines(self, width=WIDTH):
        test = self.test
        runs = sum(self.counts.values())
        yield "%s: %d runs on %d CPUs" % (test.name, runs, len(test.cpus))
        yield from fitted(" ".join(test.about), width, 0)
        for line in test.lines:
            if line.startswith("start:") or line.startswith("cpu "):
                yield from fitted(line, width)
        yield ""
        yield from self._table(width)
        yield ""
        unseen = False
        for word, conditions in (("may", test.may), ("never", test.never)):
            for each in conditions:
                often = sum([count for outcome, count in self.counts.items() if each.holds(self.places, outcome)])
                unseen = unseen or (word == "may" and not often)
                yield from fitted(
                    "%-5s %s: %s" % (word, each.text, "seen %d times" % often if often else "not seen"), width
                )
        if self.forbidden:
            yield "%d runs had an outcome that must never be seen" % self.forbidden
            yield from fitted(KNOWN, width, 0)
        if unseen:
            yield from fitted(EMULATORS, width, 0)

    def _table(self, width):
        shown, kinds = self.shown(), kinds_of(self.test)
        rows = [[self.places[number] for number in shown] + ["runs", "", ""]]
        most = max(self.counts.values())
        cells = []
        for outcome, often in sorted(self.counts.items(), key=lambda pair: -pair[1]):
            mark = FORBIDDEN if self._any(self.test.never, outcome) else ""
            mark = mark or (EXPECTED if self._any(self.test.may, outcome) else "")
            row = [said(self.places[number], outcome[number], kinds) for number in shown]
            cells.append((row + ["%d" % often, mark], often))
        used = sum(
            [max([len(rows[0][place])] + [len(row[place]) for row, _ in cells]) for place in range(len(shown) + 1)]
        )
        used += len(GAP) * (len(shown) + 2) + len(FORBIDDEN)
        bar = min(BAR_MAX, max(BAR_MIN, width - used))
        rows += [row + ["#" * (often * bar // most)] for row, often in cells]
        right = [place for place, number in enumerate(shown) if self.places[number] not in PAGES] + [len(shown)]
        return columns(rows, right, width)
