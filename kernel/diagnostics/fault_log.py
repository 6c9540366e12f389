"""The faults that were taken last."""

from faults.natives import traps

from diagnostics.text import View, hexadecimal


class FaultLog(View):
    """The last traps. `.records` are (Record, whether a handler answered), the oldest first; `.taken` is the count."""

    def __init__(self):
        self.records = traps.recent()
        self.taken = traps.taken()

    def lines(self):
        if not self.records:
            yield "no faults since the last reset"
            return
        yield "%d faults since the last reset, the last %d:" % (self.taken, len(self.records))
        number = self.taken - len(self.records)
        for record, answered in self.records:
            number += 1
            place = "v" + hexadecimal(record.instruction_pointer)
            outcome = "answered by a handler" if answered else "raised"
            yield "%4d  %s, at %s: %s" % (number, outcome, place, first_clause(str(record)))


def first_clause(text):
    """Return what happened, without the advice."""
    return text.partition(";")[0]
