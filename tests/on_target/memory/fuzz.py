# Random programs over everything that can be done with mappings, against a model of plain lists and dictionaries.
# Runs after prelude.py: `fuzz = Fuzz(seed)`, then `fuzz.run(operations, verify_every)`.
import random

from memory_structs.mode import LEVELS, UPPER_HALF_FIRST_PAGE, page_of_root_entry

FLAGS = READ, WRITE, RUN
LOWER = (page_of_root_entry(LEVELS - 4) << 12) + 0x10_0000_0000  # with five levels, where four have no way to


class Known:
    """A mapping and what the model says of it: pages[i] is a dictionary {offset: byte}, or None for all zero."""

    def __init__(self, mapped, table, flags, pages, huge=False):
        self.mapped = mapped
        self.table = table
        self.flags = flags
        self.pages = pages
        self.first = mapped.start.number

    def byte(self, offset):
        page = self.pages[offset >> 12]
        return 0 if page is None else page.get(offset & 4095, 0)

    def put(self, offset, value):
        page = self.pages[offset >> 12]
        if page is None:
            page = self.pages[offset >> 12] = {}
        page[offset & 4095] = value


class Fuzz:
    def __init__(self, seed):
        random.seed(seed)
        self.count = 0
        self.known = []
        self.pages = []
        self.frames = []
        self.tables = [table]
        self.active = table
        self.where = LOWER
        self.at_start = state()
        self.names = [name for name in dir(self) if name.startswith("do_")]
        self.done = {}
        self.short = 0

    # Choosing.

    def pick(self, things):
        return things[random.randrange(len(things))] if things else None

    def size(self):
        return random.randrange(1, 12) if random.randrange(30) else random.randrange(500, 1200)

    def reachable(self):
        found = self.pick(self.known)
        return found if found is not None and self.is_here(found) else None

    def is_here(self, found):
        """The kernel's half is everywhere, the lower half only in its own table."""
        return found.first >= UPPER_HALF_FIRST_PAGE or found.table is self.active

    def add(self, mapped, flags, pages):
        self.known.append(Known(mapped, mapped.page_table, flags, pages))

    def check(self, condition, what):
        if not condition:
            raise AssertionError("operation %d: %s" % (self.count, what))

    # The operations.

    def do_create(self):
        if len(self.known) < 60:
            count, flags = self.size(), self.pick(FLAGS)
            self.add(memory.create_mapping(count * 4096, flags, bool(random.randrange(4))), flags, [None] * count)

    do_create_more = do_create

    def do_allocate_pages(self):
        if len(self.pages) < 12:
            self.pages.append(memory.allocate_pages(self.size()))

    def do_allocate_frames(self):
        if len(self.frames) < 12:
            self.frames.append(memory.allocate_frames(self.size()))

    def do_map_any(self):
        if self.pages:
            owner, flags = self.pick(self.pages), self.pick(FLAGS)
            count = len(owner)
            mapped = self.pick(self.tables).map_allocated_pages(owner, flags)
            self.pages.remove(owner)
            self.add(mapped, flags, [None] * count)

    def do_map_to(self):
        if self.frames and len(self.known) < 60:
            frames, flags = self.pick(self.frames), self.pick(FLAGS)
            count = len(frames)
            mapped = table.map_allocated_pages_to(memory.allocate_pages(count), frames, flags)
            self.frames.remove(frames)
            self.add(mapped, flags, [None] * count)

    def do_map_low(self):
        if len(self.known) < 60:
            where, count, flags = self.pick(self.tables), self.size(), self.pick(FLAGS)
            self.where += 0x80_0000
            mapped = where.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(self.where), count), flags)
            self.add(mapped, flags, [None] * count)

    def do_write(self):
        found = self.reachable()
        if found is None:
            return
        if found.flags is not WRITE:
            self.check(
                refused(lambda: found.mapped.as_slice_mut("B")) == "NotWritable",
                "a read-only mapping gave a view to write",
            )
            return
        length = random.randrange(1, 24)
        offset = random.randrange(len(found.pages) * 4096 - length)
        with found.mapped.as_slice_mut("B", offset, length) as view:
            for i in range(length):
                value = random.getrandbits(8)
                view[i] = value
                found.put(offset + i, value)

    do_write_more = do_write_again = do_write

    def do_read(self):
        found = self.reachable()
        if found is None:
            return
        page = random.randrange(len(found.pages))
        expected = bytearray(4096)
        for offset, value in (found.pages[page] or {}).items():
            expected[offset] = value
        with found.mapped.as_slice("B", page * 4096, 4096) as view:
            self.check(view[:] == bytes(expected), "%s: page %d reads otherwise" % (found.mapped, page))

    do_read_more = do_read

    def do_look_at_rights(self):
        found = self.pick(self.known)
        if found is not None:
            at = found.mapped.start_address + random.randrange(len(found.pages) * 4096)
            flags = found.table.translate(at).flags
            self.check(flags.is_writable() == (found.flags is WRITE), "%s is writable otherwise" % found.mapped)
            self.check(flags.is_executable() == (found.flags is RUN), "%s is executable otherwise" % found.mapped)

    def do_remap(self):
        found = self.pick(self.known)
        if found is not None:
            flags = self.pick(FLAGS)
            found.mapped.remap(flags)
            found.flags = flags

    def do_split(self):
        found = self.pick(self.known)
        if found is not None and len(found.pages) > 1 and len(self.known) < 80:
            at = random.randrange(1, len(found.pages))
            low, high = found.mapped.split(found.mapped.start + at)
            self.known.remove(found)
            self.add(low, found.flags, found.pages[:at])
            self.add(high, found.flags, found.pages[at:])

    def do_merge(self):
        one = self.pick(self.known)
        if one is None:
            return
        for other in self.known:
            if other.table is one.table and (
                other.first == one.first + len(one.pages) or one.first == other.first + len(other.pages)
            ):
                break
        else:
            return
        if one.flags is not other.flags:
            self.check(refused(lambda: one.mapped.merge(other.mapped)) == "NotTouching", "unlike mappings were merged")
            return
        one.mapped.merge(other.mapped)
        self.known.remove(other)
        low, high = (one, other) if one.first < other.first else (other, one)
        one.first, one.pages = low.first, low.pages + high.pages

    do_merge_more = do_merge

    def do_copy(self):
        found = self.pick(self.known)
        if found is not None and len(self.known) < 60:
            flags = self.pick(FLAGS)
            self.add(
                found.mapped.deep_copy(flags), flags, [None if page is None else dict(page) for page in found.pages]
            )

    def do_parts(self):
        if self.known:
            found = self.pick(self.known)
            pages, frames = found.mapped.unmap_into_parts()
            self.known.remove(found)
            self.check(len(pages) == len(found.pages), "not all pages came back")
            self.check(sum([len(owner) for owner in frames]) == len(found.pages), "not all frames came back")
            pages.drop()
            for owner in frames:
                owner.drop()

    def do_drop(self):
        if self.known:
            found = self.known.pop(random.randrange(len(self.known)))
            found.mapped.drop()
            self.check(refused(found.mapped.drop) == "UseAfterMove", "dropped twice")

    do_drop_more = do_drop

    def do_forget(self):
        if self.known:
            self.known.pop(random.randrange(len(self.known)))
        if not random.randrange(20):
            gc.collect()

    def do_drop_owners(self):
        for owners in self.pages, self.frames:
            if owners:
                owners.pop(random.randrange(len(owners))).drop()

    def do_borrow(self):
        found = self.reachable()
        if found is not None:
            with found.mapped.as_slice("B"):
                self.check(refused(found.mapped.drop) == "StillBorrowed", "dropped under a borrow")
                self.check(refused(lambda: found.mapped.remap(READ)) in ("StillBorrowed",), "changed under a borrow")

    def do_table(self):
        if len(self.tables) < 4:
            self.tables.append(PageTable.new_table(table))
            return
        other = self.pick(self.tables[1:])
        if other is not self.active:
            mine = [found for found in self.known if found.table is other]
            if mine:
                self.check(refused(other.drop) == "TableInUse", "a table with mappings was dropped")
            for found in mine:
                self.known.remove(found)
                found.mapped.drop()
            gc.collect()
            other.drop()
            self.tables.remove(other)

    def do_switch(self):
        self.active = self.pick(self.tables)
        self.active.switch_to()
        for found in self.known:
            if not self.is_here(found):
                view = found.mapped.as_slice("B", 0, 1)
                self.check(refused(lambda view=view: view[0]) == "NotActive", "another table's mapping was read")
                view.release()
                break

    # Running.

    def step(self):
        name = self.pick(self.names)
        self.done[name] = self.done.get(name, 0) + 1
        try:
            getattr(self, name)()
        except (memory.OutOfFrames, memory.OutOfPages):
            self.short += 1  # refused: then nothing has changed, and the model says the same
            self.check(
                [owner for owner in self.pages + self.frames if not owner] == [],
                "an owner was consumed by a call that failed",
            )
        self.count += 1

    def audit(self):
        audit = memory.verify()
        self.check(not audit.violations and not audit.unowned, str(audit))

    def run(self, operations, verify_every):
        for _ in range(operations):
            self.step()
            if self.count % verify_every == 0:
                self.audit()
        self.audit()
        return self.count

    def sample(self):
        """(address, physical address) of some pages that the active table maps, for another pair of eyes."""
        found = []
        for known in self.known[:12]:
            if self.is_here(known):
                address = known.mapped.start_address + (len(known.pages) - 1) * 4096
                found.append((address.value, known.table.translate_addr(address).value))
        return found

    def finish(self):
        """Give everything back: the allocators must be where they were."""
        table.switch_to()
        for known in self.known:
            known.mapped.drop()
        for owner in self.pages + self.frames:
            owner.drop()
        self.known, self.pages, self.frames = [], [], []
        for other in self.tables[1:]:
            gc.collect()
            other.drop()
        self.tables = [table]
        self.check(state() == self.at_start, "%s is left, %s was there" % (state(), self.at_start))
