"""What an allocator's numbers add up to."""


class Statistics:
    """Counts in 4 KiB units, taken at one moment.

    The first six are disjoint and exhaustive: they add up to `.total`. `.device`
    counts what lies outside RAM and is not part of it. `.reclaimed` counts owners, not
    chunks: those that were forgotten, found by the collector and given back since boot.
    """

    names = "free", "allocated", "mapped", "unmapped", "tables", "reserved"

    def __init__(self, arena, reserved, largest_run, chunks):
        self.free = arena.free
        self.allocated = arena.allocated
        self.mapped = arena.all_mapped
        self.unmapped = arena.unmapped
        self.tables = arena.all_tables
        self.reserved = reserved
        self.total = arena.managed + reserved
        self.largest_run = largest_run
        self.chunks = chunks
        self.device = 0
        self.quarantine = 0
        self.reclaimed = arena.reclaimed

    def __repr__(self):
        return ", ".join("%d %s" % (getattr(self, name), name) for name in self.names + ("device",))
