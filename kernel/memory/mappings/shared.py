"""`SharedFrames`: frames that several mappings may use at once, counted.

Having one means: the frames stay as long as it, or any mapping of them, lives. For copy-on-write and the like.
"""

from memory_structs import FrameRange, IllegalState, UseAfterMove
from memory_structs.ending import drop_at_end
from memory_structs.instances import seal
from memory_structs.like_ranges import LikeItsRange
from paging.flags import NO_EXECUTE, WRITABLE

from ..allocators.owners import ARENA, CONSUMER, COUNT, DEAD, KEPT, RUN, SHAREABLE, AllocatedFrames
from ..ledger import enter, leave
from ..refusals import CountMismatch, WritableExecutable
from ..runs import give


@seal
class SharedFrames(LikeItsRange):
    """Consumes AllocatedFrames; `Mapper.map_shared` maps them as often as wanted."""

    def __init__(self, frames):
        if type(frames) is not AllocatedFrames:
            raise TypeError("AllocatedFrames expected, not %s" % type(frames).__name__)
        run = frames._live()
        state = frames._state
        self._arena = state[ARENA]
        self._first = run >> 1
        self._count = state[COUNT]
        self._clean = run & 1
        self._kept = state[CONSUMER] is KEPT
        self._device = self._arena is not self._arena.allocator.pool
        self._users = 0
        self._held = 0  # by mappings that a fault ended half-way
        self._writers = 0
        self._executors = 0
        self._was_mapped = False
        self._consumer = None
        # Not to be forgotten: while a mapping lives, the kernel holds on to this object; after that, nobody may.
        self._guarded = self._arena.new_state(self._arena, self._count, SHAREABLE)
        enter()
        self._guarded[RUN] = run & ~1
        state[CONSUMER] = "SharedFrames()"
        state[RUN] = DEAD
        leave()

    @property
    def range(self):
        """Raises UseAfterMove when neither this nor a mapping keeps the frames."""
        if not self._count or not self._users:
            self._live()
        return FrameRange.from_numbers(self._first, self._first + self._count - 1)

    @property
    def size_in_frames(self):
        """As `range`."""
        return len(self.range)

    @property
    def users(self):
        """How many mappings of it live."""
        return self._users

    def drop(self):
        """Let go: the frames are free when the last mapping of them is gone. Raises UseAfterMove."""
        self._live()
        enter()
        self._consumer = "drop()"
        self._give_when_unused()
        leave()

    def into_frames(self):
        """Consume this and return the AllocatedFrames. Raises IllegalState while a mapping lives."""
        self._live()
        if self._users or self._held:
            raise IllegalState(self, "mapped %d times" % (self._users + self._held), "become AllocatedFrames")
        frames = AllocatedFrames._new(self._arena)
        enter()
        self._consumer = "into_frames()"
        self._guarded[RUN] = DEAD
        frames._state[COUNT] = self._count
        frames._state[RUN] = self._first << 1 | (self._clean & (not self._was_mapped))
        leave()
        return frames

    def _live(self):
        """Raises UseAfterMove."""
        if self._consumer is not None:
            raise UseAfterMove("SharedFrames", self._consumer)

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        if self._consumer is None:
            drop_at_end(self, kind)
        return False

    def __repr__(self):
        if self._consumer is not None and not self._users:
            return "SharedFrames(consumed by %s)" % self._consumer
        return "SharedFrames(%s, mapped %d times)" % (self.range, self._users)

    __str__ = __repr__

    # For the mapper.

    def _check_mappable(self, count, word, override):
        """Raises UseAfterMove, CountMismatch or WritableExecutable."""
        self._live()
        if count != self._count:
            raise CountMismatch(count, self._count)
        self._check_rights(self._writers, self._executors, word, override)

    def _check_change(self, old, word, override):
        """The same for a mapping that has rights `old` and wants others."""
        self._check_rights(self._writers - _is_writer(old), self._executors - _is_executor(old), word, override)

    def _check_rights(self, writers, executors, word, override):
        if override:
            return
        if _is_writer(word) and executors:
            raise WritableExecutable(self.range, "through another mapping that is executable")
        if _is_executor(word) and writers:
            raise WritableExecutable(self.range, "through another mapping that is writable")

    def _is_clean_to_map(self):
        """True unless somebody else's bytes may be in the frames: they are cleared when they are mapped first, and keep
        what is written to them as long as this lives."""
        return bool(self._clean or self._device or self._kept)

    def _add_user(self, word):
        if not self._users:
            self._arena.mapped += self._count
        self._users += 1
        self._clean = 1  # of others' bytes, from here on
        self._was_mapped = True
        self._writers += _is_writer(word)
        self._executors += _is_executor(word)

    def _remove_user(self, word):
        self._users -= 1
        if not self._users:
            self._arena.mapped -= self._count
        self._writers -= _is_writer(word)
        self._executors -= _is_executor(word)

    def _hold(self):
        """Keep the frames: leaves of a mapping that is none may lead to them."""
        self._held += 1

    def _let_go(self):
        self._held -= 1
        self._give_when_unused()

    def _give_when_unused(self):
        """Free the frames when nobody can reach them any more. The mapper calls it after its flush."""
        if self._consumer is not None and not self._users and not self._held and self._count:
            guarded = self._guarded
            run, guarded[RUN] = guarded[RUN], DEAD
            try:
                give(self._arena.tree, self._first << 1, self._count)
            except BaseException:  # it has not begun
                guarded[RUN] = run
                raise
            self._count = 0


def _is_writer(word):
    return 1 if word & WRITABLE else 0


def _is_executor(word):
    return 0 if word & NO_EXECUTE else 1
