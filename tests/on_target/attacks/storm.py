# Storms: hostile programs at random around each kind of attack. Runs after prelude.py and storm_tools.py:
# `storm = Storm(seed, kind)`, then `storm.run(how many)` as often as wanted; it answers with (done, what was wrong).
#
# The model: every living mapping has a byte of its own in its pages, and rights; every owner a run of numbers. At each
# step something may come in between: an allocation of Python's heap that fails, a Ctrl-C, a callback that audits or
# maps. Then the step has happened or has not, which its objects say; what they hold, the allocators must count.
import random

import uctypes
from faults import PageFault, on_fault
from memory import EarlyIdentityMappedPages

TROUBLE_MOST = 300  # so many allocations or checks into a step trouble may come
LIVE_MOST = 30


class Storm:
    def __init__(self, seed, kind):
        random.seed(seed)
        self.live, self.owners = [], []
        self.byte = self.done = 0
        self.wrong = []
        self.in_doubt, self.is_at_rest, self.now = False, False, "nothing"
        # Those of `kind`; making and ending is part of each storm.
        names = [name for name in sorted(dir(self)) if name.startswith(kind + "_")]
        self.steps = [getattr(self, name) for name in names] + [self.create, self.drop, self.change, self.look]
        self.before = everything()
        self.at_start = self.held()

    # The model.

    def held(self):
        """(frames, pages) that the allocators call taken; the frames of tables are not of the model."""
        frames, pages = memory.frame_allocator.pool, memory.page_allocator
        heap = sum([count for _, count in MMI.heap.areas()])
        taken = [arena.managed - arena.free for arena in pages._arenas]
        return frames.managed - frames.free - frames.all_tables - heap, sum(taken) - heap

    def modelled(self):
        """(frames, pages) that the model's objects hold."""
        frames, pages = self.at_start
        self.live = [one for one in self.live if one.mapping]
        self.owners = [owner for owner in self.owners if owner]
        for one in self.live:
            frames += len(one.mapping)
            pages += len(one.mapping)
        for owner in self.owners:
            if type(owner).__name__ == "AllocatedPages":
                pages += len(owner)
            else:
                frames += len(owner)
        return frames, pages

    def compare(self):
        """What is held must be the model's. What is more after a collection may be due to a stale word in the frame of
        run(), which lives as long as that: then run() ends here, and looks again when it begins."""
        self.in_doubt = False
        if self.held() == self.modelled():
            return
        collected()  # what a call that failed had made is forgotten
        held, modelled = self.held(), self.modelled()
        self.in_doubt = held != modelled
        if held[0] < modelled[0] or held[1] < modelled[1] or (self.in_doubt and self.is_at_rest):
            raise Complaint("(frames, pages) held %s, of the model %s" % (held, modelled))

    def audit(self):
        found = violations()
        if found:
            raise Complaint(str(found[:3]))
        for one in self.live:
            self.read(one)

    def read(self, one):
        with one.mapping.as_slice("B") as view:
            for at in (0, len(view) // 2, len(view) - 1):
                if view[at] != one.byte:
                    raise Complaint("%s has %d, not %d" % (one.mapping, view[at], one.byte))

    def pick(self, things):
        return things[random.randrange(len(things))] if things else None

    # What every storm does.

    def create(self, count=None):
        if len(self.live) >= LIVE_MOST:
            return self.drop()
        count = count or (random.randrange(1, 9) if random.randrange(20) else random.choice((100, 512, 700)))
        self.byte = self.byte % 255 + 1
        mapping = create_mapping(count * 4096, WRITE, huge=bool(random.randrange(2)))
        one = Live(mapping, self.byte, True)
        fill(mapping, self.byte)
        self.live.append(one)
        return one

    def drop(self):
        if self.live and (len(self.live) > 8 or random.randrange(2)):
            self.pick(self.live).mapping.drop()
        elif self.owners:
            self.pick(self.owners).drop()

    def change(self):
        one = self.pick(self.live)
        if one:
            one.mapping.remap(READ if one.writable else WRITE)
            one.writable = not one.writable

    def look(self):
        one = self.pick(self.live)
        if one:
            self.read(one)

    # 1. Alignments.

    def wish(self):
        wish = AllocationRequest.AlignedTo(an_alignment())
        for _ in range(random.randrange(3)):
            try:  # noqa: SIM105 (there is no contextlib here)
                wish = wish & AllocationRequest.AlignedTo(an_alignment())
            except ValueError:
                pass
        return wish

    def alignment_deferred(self):
        wish, count = self.wish(), random.choice((1, 2, 7, 511, 512, 513, 600, 262144))
        allocate = random.choice((memory.allocate_pages_deferred, memory.allocate_frames_deferred))
        owner, action = allocate(wish, count)
        first = owner.start.number
        if (
            first % wish.alignment
            or len(owner) != count
            or (allocate is memory.allocate_pages_deferred and first < 1 << 51)
        ):
            raise Complaint("%s for %s" % (owner, wish))
        if len(self.owners) < 20 and count < 1000:
            self.owners.append(owner)
        else:
            owner.drop()
        action.drop()

    alignment_deferred_again = alignment_deferred_more = alignment_deferred

    def alignment_in_a_range(self):
        pages = pages_from(at(LOW + (random.randrange(1 << 20) << 12)), random.randrange(1, 5000))
        self.owners.append(memory.allocate_pages_in_range(random.randrange(1, 64), pages))

    # 4. Callbacks that meet what is being changed.

    def callbacks_storm(self):
        one, other = self.pick(self.live), self.pick(self.live)
        if one is None:
            return
        inside = random.choice(
            (self.drop, self.change, self.look, self.create, self.callbacks_split, self.callbacks_use)
        )
        calls = [0]

        def callback(pages):
            calls[0] += 1
            if calls[0] == 1:
                try:
                    if random.randrange(2):
                        self.callbacks_use(one)
                    inside()
                except (KernelError, ValueError):
                    pass

        memory.set_broadcast_tlb_shootdown_cb(callback)
        try:
            random.choice((self.drop, self.change, self.callbacks_split, one.mapping.drop, other.mapping.drop))()
        finally:
            memory.set_broadcast_tlb_shootdown_cb(None)

    callbacks_storm_again = callbacks_storm_more = callbacks_storm

    def callbacks_use(self, one=None):
        """A view of what may be going: it is refused, or it shows the mapping's own byte."""
        one = one or self.pick(self.live)
        if one and one.mapping:
            self.read(one)

    def callbacks_split(self):
        one = self.pick(self.live)
        if one and len(one.mapping) > 1 and len(self.live) < LIVE_MOST:
            writable = one.writable
            low, high = one.mapping.split(one.mapping.start + random.randrange(1, len(one.mapping)))
            for part in low, high:
                if writable:
                    fill(part, one.byte)
                    self.live.append(Live(part, one.byte, True))
                else:
                    part.drop()

    # 6. Views whose arguments end them.

    def views_evil(self):
        one = self.pick([one for one in self.live if one.writable])
        if one is None:
            return
        view = one.mapping.as_slice_mut(random.choice("BIQ"))
        byte = one.byte

        def end():
            view.release()
            one.mapping.drop()
            if random.randrange(2):
                self.create(random.randrange(1, 5))

        evil = Evil(random.randrange(3), end if random.randrange(3) else nothing)
        acts = (
            lambda: view[evil],
            lambda: view[evil:4],
            lambda: view[0:evil],
            lambda: view.copy_to(bytearray(16), evil),
            lambda: view.copy_from(bytes([byte]) * 16, evil),
            lambda: view.copy_from(iter([evil])),
            lambda: view.__setitem__(evil, evil) if hasattr(view, "__setitem__") else None,
        )
        try:
            random.choice(acts)()
        except (KernelError, TypeError, ValueError, OverflowError):
            pass
        finally:
            quiet()
            view.release()
            if one.mapping and one.writable:
                fill(one.mapping, byte)

    def views_lazy(self):
        """A copy from memory that a handler maps, which ends the view meanwhile."""
        one = self.pick([one for one in self.live if one.writable])
        if one is None:
            return
        view = one.mapping.as_slice_mut("B", 0, 4096)
        lazy = []

        def answer(fault):
            lazy.append(create_mapping_at(VirtualAddress(LOW), 4096, WRITE))
            if random.randrange(2):
                view.release()
                one.mapping.drop()
                self.create(random.randrange(1, 4))
            return True

        try:
            with on_fault(pages_from(at(LOW), 1), answer):
                if random.randrange(2):
                    view.copy_to(uctypes.bytearray_at(LOW, 4096))
                else:
                    view.copy_from(uctypes.bytearray_at(LOW, 4096))
        except KernelError:
            pass
        except PageFault:  # the handler found no memory
            if WHAT[0] not in self.now:
                raise
        finally:
            quiet()
            view.release()
            for mapping in lazy:
                mapping.drop()
            if one.mapping:
                one.mapping.drop()

    views_evil_again = views_evil

    # 9. Calls near the end of the stack.

    def depth_storm(self):
        act = random.choice(
            (self.create, self.drop, self.change, self.look, self.alignment_deferred, self.doors_shared)
        )
        try:  # noqa: SIM105
            deep(random.randrange(280, 420), act)
        except RuntimeError:
            pass

    depth_storm_again = depth_storm_more = depth_storm

    # 8, 14, 15, 18, 22. Doors, handlers, shared frames.

    def doors_shut(self):
        call = random.choice(
            (
                lambda: tf.deallocate_number(random.choice(("x", None, 5, -1, 1 << 70, self.a_frame()))),
                lambda: tf.deallocate_frame(Frame(self.a_frame())),
                lambda: EarlyIdentityMappedPages(K),
                lambda: memory.system.install(None),
                lambda: _critical.set_safe_point(len),
                lambda: PageTable(K.root, MMI, K),
                lambda: create_mapping(4096, PteFlags.of_word(1 << 40)),
                lambda: K.map_allocated_pages(memory.allocate_pages(2), WRITE.executable(True)),
            )
        )
        name = refused(call)
        if name == "nothing":
            raise Complaint("a door is open")

    def a_frame(self):
        one = self.pick(self.live)
        return one.mapping.frames()[0].start.number if one and one.mapping else 0x100

    def doors_handlers(self):
        pages = pages_from(at(LOW + (1 << 30)), random.randrange(1, 4))
        try:
            on_fault(pages, lambda fault: False)
            if refused(on_fault, pages, len) == "nothing":
                raise Complaint("two handlers for one range")
        finally:
            quiet()
            for handler in handlers.handlers():
                handler.cancel()

    def doors_shared(self):
        shared = SharedFrames(memory.allocate_frames(2))
        try:
            for rights in (WRITE, READ):
                with K.map_shared(memory.allocate_pages(2), shared, rights) as mapped:
                    if rights is WRITE:
                        with mapped.as_slice_mut("B") as view:
                            view[5000] = 99
                    else:
                        with mapped.as_slice("B") as view:
                            if view[5000] != 99:
                                raise Complaint("shared frames lost what was in them")
        finally:
            if refused(shared.drop) == "IllegalState":
                raise Complaint("shared frames do not go")

    def doors_override(self):
        one = create_mapping(4096, WRITE.executable(True), True, "a storm")
        if refused(one.deep_copy) == "nothing":
            raise Complaint("a copy inherited an override")
        one.drop()

    # Running.

    def step(self):
        """One step, and what must hold after it."""
        try:
            # Deeper than compare() and the collector get: no word that it leaves on the stack keeps an object alive.
            deep(DEEPER, self.attempt)
        except KeyboardInterrupt:
            disarm()  # it came amid disarming
        memory.set_broadcast_tlb_shootdown_cb(None)
        if _critical.depth():
            raise Complaint("the guard is held")
        for handler in handlers.handlers():
            if not self.interrupted:
                raise Complaint("%s is left" % handler)
            handler.cancel()  # Ctrl-C came before the program had it in its hands
        self.compare()

    def attempt(self):
        """In half of all something comes in between."""
        act, kind, n = self.pick(self.steps), random.randrange(10), random.randrange(1, TROUBLE_MOST)
        callback = random.choice((between_audit, between_map))
        self.interrupted = kind in (2, 3)
        self.now = "%s, %s in %d" % (act.__name__, WHAT[kind], n) if kind < 5 else act.__name__
        try:
            if kind < 2:
                _inject.fail_allocation(n)
            elif kind < 4:
                _inject.interrupt(n)
            elif kind < 5:
                _inject.call(n, callback)
            act()
            disarm()
            for _ in range(2):
                pass  # where a Ctrl-C that came at the last moment strikes
        except memory.MappingDamaged:
            raise
        except TROUBLE:
            pass
        finally:
            disarm()

    def finish(self):
        """Everything is dropped, and everything came back. Returns what is wrong."""
        for thing in [one.mapping for one in self.live] + self.owners:
            if thing:
                thing.drop()
        self.live, self.owners = [], []
        return [(self.done, "at the end, operation %d: %s" % (self.done, what)) for what in not_back(self.before)]

    def run(self, steps, audit_every=100):
        """So many steps, or fewer when there is a doubt; returns (done, what was wrong)."""
        try:
            self.is_at_rest = True
            self.compare()
            self.is_at_rest = False
            for _ in range(steps):
                self.step()
                self.done += 1
                if self.done % audit_every == 0:
                    self.audit()
                if self.in_doubt:
                    break
        except Exception as error:
            text = "operation %d (%s): %s: %s" % (self.done, self.now, type(error).__name__, error)
            self.wrong.append((self.done + 1, text))
        return self.done, self.wrong
