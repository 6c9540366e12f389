"""What the SDM lets several processors see of page tables: every outcome of a litmus test, by trying all orders.

It is one small machine. Each processor has a store buffer (volume 3, "Memory Ordering": stores leave it in order, loads
look into it first) and a TLB; all share memory, in which entries lie. Where the SDM leaves open what a processor does,
the choice is here, and each is a relaxation that can be taken away:

STALE        "Details of TLB Use", "Recommended Invalidation": a TLB may go on with any translation that was there to
             be seen since this processor last flushed the page, whatever the entry says by now, and may use another
             one the next time. So a TLB is the set of these translations; a walk is always possible, too.
SPECULATION  "Details of TLB Use": translations may be cached for accesses that never happen, and ACCESSED is set
             before a translation is cached. So ACCESSED may be set at any time in any entry that is present.
BUFFER       a store waits in the buffer as long as it likes, a store to an entry like any other.
SPURIOUS     "Optional Invalidation": a write by a remembered read-only translation faults though the entry is
             writable by now, and a later one, too, if another translation was used in between.

What is not left open:

* An entry that isn't present, or isn't accessed, is never remembered ("Details of TLB Use").
* A write by a translation that isn't known to be dirty walks again and sets ACCESSED and DIRTY in memory in one
  locked operation, together with its look at the entry ("Accessed and Dirty Flags", "Automatic Locking"). DIRTY is set
  by writes only.
* A walk sees its own processor's earlier stores to the entry, as a load would: only fetches may not ("Optional
  Invalidation"). It is no fence, and it does not push these stores out.
* A fault forgets the page on this processor ("Operations that Invalidate TLBs and Paging-Structure Caches").
* INVLPG is serializing: the buffer is empty when it is done. MFENCE and locked instructions empty it, too.
* A shootdown is INVLPG here, then on each other processor at a moment of its own between two instructions, with its
  buffer empty (interrupts and INVLPG are serializing), and ends when all have answered.
"""

from collections import namedtuple

STALE, SPECULATION, BUFFER, SPURIOUS = "stale TLB", "speculative walk", "store buffer", "spurious fault"
RELAXATIONS = frozenset({STALE, SPECULATION, BUFFER, SPURIOUS})
FAULTS_KEEP = "a page fault forgets nothing"
"""No relaxation of the SDM's: what QEMU's TCG does instead."""
FAULT, OK = 255, 0

Cpu = namedtuple("Cpu", "at buffer results tlb waits")
"""at: the number of its next act. buffer: stores, oldest first. results: of its acts so far. tlb: for each page a set
of (frame, is writable, is dirty). waits: the processors that have yet to answer its shootdown, or None without one."""

State = namedtuple("State", "cpus entries memory")


def outcomes(test, relaxations=RELAXATIONS):
    """Return the set of outcomes that a test may have: tuples of values in the order of its places()."""
    return Machine(test, frozenset(relaxations)).run()


def weak_outcomes(test):
    """Return {outcome: the relaxations without which it can't be} of those that a test can't have without any."""
    without = {each: outcomes(test, RELAXATIONS - {each}) for each in RELAXATIONS}
    weak = outcomes(test) - outcomes(test, ())
    return {outcome: frozenset(each for each in RELAXATIONS if outcome not in without[each]) for outcome in weak}


def violated(test, outcome):
    """Return the texts of those `never` that an outcome is."""
    places = test.places()
    return [each.text for each in test.never if each.holds(places, outcome)]


def complaints(test):
    """Return in words what a test says that is not so: a `never` that the model allows, a `may` that it doesn't."""
    places, allowed = test.places(), outcomes(test)
    found = []
    for each in test.never:
        if any(each.holds(places, outcome) for outcome in allowed):
            found.append(f"{test.name}: never: {each.text}: the model allows it")
    for each in test.may:
        if not any(each.holds(places, outcome) for outcome in allowed):
            found.append(f"{test.name}: may: {each.text}: the model forbids it")
    return found


class Machine:
    """All that a test can do."""

    def __init__(self, test, relaxations):
        self.acts, self.relaxations = test.cpus, relaxations
        self.pages, self.frames = sorted(test.entries), sorted(test.memory)
        empty = tuple(frozenset() for _ in self.pages)
        start = State(
            tuple(Cpu(0, (), (), empty, None) for _ in test.cpus),
            tuple(test.entries[page] for page in self.pages),
            tuple(test.memory[frame] for frame in self.frames),
        )
        self.start = self.remembered(start)

    def run(self):
        """Return the outcomes of all orders."""
        seen, todo, found = {self.start}, [self.start], set()
        while todo:
            state = todo.pop()
            if self.is_done(state):
                found.add(sum((cpu.results for cpu in state.cpus), ()) + state.entries + state.memory)
            for following in self.steps(state):
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
        return found

    def is_done(self, state):
        return all(cpu.at == len(acts) and not cpu.buffer for cpu, acts in zip(state.cpus, self.acts, strict=True))

    def steps(self, state):
        """Yield the states that can follow."""
        for number, cpu in enumerate(state.cpus):
            if cpu.buffer:
                yield self.drained(state, number)
            if cpu.waits:
                for other in cpu.waits:
                    yield from self.answered(state, number, other)
            elif cpu.at < len(self.acts[number]) and (BUFFER in self.relaxations or not cpu.buffer):
                yield from self.done(state, number, self.acts[number][cpu.at])
        if SPECULATION in self.relaxations:
            for place, (_, flags) in enumerate(state.entries):
                if "P" in flags and "A" not in flags:
                    yield self.marked(state, place, "A")

    # --- What changes a state. ---

    def changed(self, state, number, **words):
        """Return a state with one processor changed."""
        cpus = list(state.cpus)
        cpus[number] = cpus[number]._replace(**words)
        return state._replace(cpus=tuple(cpus))

    def remembered(self, state):
        """Return a state where each TLB may know what is there to be seen."""
        if STALE not in self.relaxations:
            return state
        visible = [translation(entry) for entry in state.entries]
        cpus = []
        for cpu in state.cpus:
            tlb = tuple(known | new for known, new in zip(cpu.tlb, visible, strict=True))
            cpus.append(cpu._replace(tlb=tlb))
        return state._replace(cpus=tuple(cpus))

    def forgotten(self, state, number, place):
        """Return a state where a processor has flushed a page, and may know what is there to be seen by now."""
        tlb = list(state.cpus[number].tlb)
        tlb[place] = frozenset()
        return self.remembered(self.changed(state, number, tlb=tuple(tlb)))

    def stored(self, state, place, entry):
        """Return a state with another entry in memory."""
        entries = list(state.entries)
        entries[place] = entry
        return self.remembered(state._replace(entries=tuple(entries)))

    def marked(self, state, place, letters):
        """Return a state with flags set in an entry in memory."""
        frame, flags = state.entries[place]
        return self.stored(state, place, (frame, "".join(each for each in "PWADG" if each in flags + letters)))

    def drained(self, state, number):
        """Return a state with a processor's oldest store in memory."""
        (kind, place, what), *rest = state.cpus[number].buffer
        state = self.changed(state, number, buffer=tuple(rest))
        if kind == "entry":
            return self.stored(state, place, what)
        memory = list(state.memory)
        memory[place] = what
        return state._replace(memory=tuple(memory))

    def answered(self, state, number, other):
        """Yield the state in which a processor has answered the shootdown of another, if it can now."""
        if not state.cpus[other].buffer:
            cpu = state.cpus[number]
            waits, at = cpu.waits - {other}, cpu.at
            page = self.acts[number][at].page
            state = self.changed(state, number, waits=waits or None, at=at if waits else at + 1)
            yield self.forgotten(state, other, self.pages.index(page))

    # --- What a processor does. ---

    def done(self, state, number, act):
        """Yield the states after an act of a processor, as many as there are ways to do it."""
        cpu = state.cpus[number]
        place = self.pages.index(act.page) if act.page else None
        after = self.changed(state, number, at=cpu.at + 1)
        if act.kind == "read":
            yield from self.accessed(after, number, place, act, False)
        elif act.kind == "write":
            yield from self.accessed(after, number, place, act, True)
        elif act.kind == "entry":
            after = self.changed(after, number, buffer=(*cpu.buffer, ("entry", place, act.what)))
            if STALE in self.relaxations:
                known = (*cpu.tlb[:place], cpu.tlb[place] | translation(act.what), *cpu.tlb[place + 1 :])
                after = self.changed(after, number, tlb=known)
            yield after
        elif cpu.buffer:
            return  # what follows waits until it is empty
        elif act.kind == "clear":
            frame, flags = state.entries[place]
            yield self.stored(after, place, (frame, "".join(each for each in flags if each not in act.what)))
        elif act.kind == "invlpg":
            yield self.forgotten(after, number, place)
        elif act.kind == "shootdown":
            others = frozenset(range(len(state.cpus))) - {number}
            yield self.forgotten(self.changed(state, number, waits=others), number, place)
        else:
            yield after

    def accessed(self, state, number, place, act, is_write):
        """Yield the states after an access: by what the TLB knows, and by a walk."""
        cpu = state.cpus[number]
        for frame, is_writable, is_dirty in cpu.tlb[place]:
            if not is_write or (is_writable and is_dirty):
                yield self.finished(state, number, act, self.frames.index(frame))
            elif not is_writable and SPURIOUS in self.relaxations:
                yield self.faulted(state, number, place, act)
        pending = [entry for kind, where, entry in cpu.buffer if (kind, where) == ("entry", place)]
        frame, flags = pending[-1] if pending else state.entries[place]
        if "P" not in flags or (is_write and "W" not in flags):
            yield self.faulted(state, number, place, act)
            return
        letters = "AD" if is_write else "A"
        if not all(letter in flags for letter in letters):
            if pending:
                return  # the flags are set in memory, where the entry has to be by then
            state = self.marked(state, place, letters)
        yield self.finished(state, number, act, self.frames.index(frame))

    def finished(self, state, number, act, frame):
        """Return the state in which an access has found its frame."""
        cpu = state.cpus[number]
        if act.kind == "write":
            results = (*cpu.results, OK) if act.result else cpu.results
            return self.changed(state, number, results=results, buffer=(*cpu.buffer, ("memory", frame, act.what)))
        pending = [what for kind, where, what in cpu.buffer if (kind, where) == ("memory", frame)]
        value = pending[-1] if pending else state.memory[frame]
        return self.changed(state, number, results=(*cpu.results, value))

    def faulted(self, state, number, place, act):
        """Return the state in which an access has faulted."""
        results = state.cpus[number].results
        state = self.changed(state, number, results=(*results, FAULT) if act.result else results)
        return state if FAULTS_KEEP in self.relaxations else self.forgotten(state, number, place)


def translation(entry):
    """Return the set of what a TLB may keep of an entry: nothing unless it is present and accessed."""
    frame, flags = entry
    if "P" not in flags or "A" not in flags:
        return frozenset()
    return frozenset({(frame, "W" in flags, "D" in flags)})
