# Object files with random damage: each is loaded and unloaded, or refused by an error of the loader's own.
# `fuzz = ObjectFuzz([(name, bytes), ...])`, then `fuzz.run(seed, first, count)`; each file has a seed of its own.
import gc
import random

import memory
from loader import objects
from loader.errors import ObjectError
from loader.places import REGION

VERIFY_EVERY = 250
# What is put into a field: as it is in hostile files.
WORDS = (
    0,
    1,
    2,
    3,
    4,
    8,
    0x7F,
    0xFF,
    0x1000,
    0xFFF1,
    0xFFF2,
    0xFFFF,
    1 << 31,
    0xFFFFFFFF,
    1 << 40,
    1 << 63,
    (1 << 64) - 1,
)


class ObjectFuzz:
    def __init__(self, bases):
        self.bases = bases
        self.done = {}
        self.heap = memory.get_kernel_mmi_ref().heap

    def damaged(self, data):
        """A file with one to three kinds of damage: cut off, in a table, or anywhere."""
        data = bytearray(data)
        at = int.from_bytes(data[40:48], "little")
        for _ in range(random.randrange(1, 4)):
            kind = random.randrange(6)
            if kind == 0:
                data = data[: random.randrange(len(data) + 1)]
            elif kind == 1:
                self.put(data, random.randrange(64), 4)
            elif kind == 2:
                self.put(data, at + 8 * random.randrange(max(1, len(data) - at >> 3)), 8)
            elif kind == 3:
                self.put(data, at + 4 * random.randrange(max(1, len(data) - at >> 2)), 4)
            elif kind == 4:
                self.put(data, 8 * random.randrange(max(1, len(data) >> 3)), 8)
            else:
                self.put(data, random.randrange(len(data) + 1), 1)
        return bytes(data)

    def put(self, data, at, width):
        word = (
            WORDS[random.randrange(len(WORDS))]
            if random.randrange(3)
            else random.getrandbits(30) << random.randrange(34)
        )
        field = (word & (1 << 8 * width) - 1).to_bytes(width, "little")
        if at + width <= len(data):
            data[at : at + width] = field

    def state(self):
        return memory.frame_allocator.statistics().free, self.heap.areas()

    def run(self, seed, first, count):
        """Try that many files; returns None, or what went wrong, with the number of the file."""
        gc.collect()
        before = self.state()
        for number in range(first, first + count):
            random.seed(seed * 1000003 + number)
            which = random.randrange(len(self.bases))
            files = [
                (name, self.damaged(data) if place == which else data) for place, (name, data) in enumerate(self.bases)
            ]
            try:
                loaded = objects.load(files)
                objects.unload(*[each.name for each in loaded])
                said = "loaded"
            except ObjectError as error:
                said = type(error).__name__
            except Exception as error:
                return number, "%s: %s" % (type(error).__name__, error)
            self.done[said] = self.done.get(said, 0) + 1
            if memory.page_allocator.pool.taken_in(REGION.first_number, REGION.last_number) is not None:
                return number, "%s, and pages of the region are in use" % said
            after = self.state()
            if after != before:
                if after[1] == before[1]:
                    return number, "%s, and %d frames were free, %d are" % (said, before[0], after[0])
                before = after  # Python's heap has grown, or shrunk
            if objects.loaded() or objects.OBJECTS.definitions:
                return number, "%s, and something is known of it" % said
            if number % VERIFY_EVERY == 0 and memory.verify().violations:
                return number, "%s: %s" % (said, memory.verify().violations)
        return None if not memory.verify().violations else (first + count - 1, str(memory.verify().violations))
