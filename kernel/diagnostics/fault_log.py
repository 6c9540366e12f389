"""The faults that were taken last."""

from faults.natives import traps

from diagnostics.text import WIDTH, View, hexadecimal


class FaultLog(View):
    """The last traps. `.records` are (Record, whether a handler answered), the oldest first; `.taken` is the count."""

    def __init__(self):
        self.records = traps.recent()
        self.taken = traps.taken()

    def lines(self, width=WIDTH):
        if not self.records:
            yield "no faults since the last reset"
            return
        faults = "1 fault" if self.taken == 1 else "%d faults" % self.taken
        which = ", the last %d" % len(self.records) if self.taken > len(self.records) else ""
        yield "%s since the last reset%s:" % (faults, which)
        number = self.taken - len(self.records)
        for record, answered in self.records:
            number += 1
            place = "v" + hexadecimal(record.instruction_pointer)
            outcome = "answered by a handler" if answered else "raised"
            yield "%4d  %s, at %s: %s" % (number, outcome, place, first_clause(str(record)))


def first_clause(text):
    """Return what happened, without the advice."""
    return text.partition(";")[0]
