"""Object files that are loaded, as the prompt shows them."""

from loader.relocations import unsigned

from diagnostics.memory_access import HexDump
from diagnostics.text import WIDTH, Lines, Table, View, fitted

SHOWN_BYTES = 64


def objects_table(objects):
    """Return a Table of LoadedObjects: who is where, with which rights, and who needs whom."""
    if not objects:
        return Lines(("no object is loaded: help load",))
    rows = [("object", "where", "what", "needs")]
    for each in objects:
        sizes = ", ".join(["%s %s %#x" % size for size in each.sizes()])
        needs = sorted(set([other.used.object.name for other in each.needs()]))
        name = each.name + (" (replaced, still held)" if each.is_replaced else "")
        rows.append((name, "v%#x" % unsigned(each.start), sizes, ", ".join(needs) or "nobody"))
    return Table(rows)


class SymbolView(View):
    """A symbol of a loaded object: `.symbol`; `as_func` is the symbol's."""

    def __init__(self, symbol):
        self.symbol = symbol
        self.as_func = symbol.as_func

    def lines(self, width=WIDTH):
        symbol = self.symbol
        section = symbol.section
        place = (symbol.name, symbol.size, symbol.address, section)
        yield from fitted("%s: %#x bytes at v%#x, in %s" % place, width)
        users = sorted(set([repr(user) for user in symbol.users()]))
        yield from fitted("used by %s" % (", ".join(users) or "no other object"), width)
        yield from HexDump(symbol.address, min(symbol.size, SHOWN_BYTES)).lines(width)
        if symbol.size > SHOWN_BYTES:
            yield "... (hexdump v%#x %d shows all)" % (symbol.address, symbol.size)
