"""What is done to a run of pages that are mapped, whatever the page sizes: look, clear, change.

Each is one loop: walk to the leaf of a page, act on the entries of its table from there on, go on behind them. `survey`
says first whether all of it can be done; what acts then can't fail.
"""

import micropython
from micropython import const

from .access import rights_in, walk
from .natives import entries

_LARGEST = const(5)  # words of an access's facts
_RESERVED = const(6)

_LEVEL = const(7)
_PRESENT = const(1)
_HUGE = const(0x80)
_HIGH_FRAME = const(0xFFFFF)

leaves, clear, change, touching, absent = (
    entries.leaves,
    entries.clear,
    entries.change,
    entries.touching,
    entries.absent,
)


@micropython.viper
def survey(facts: int, see, page: int, count: int, smallest: int, largest: int, found: ptr32) -> int:
    """How many of `count` 4 KiB pages from number `page` on are mapped by sound leaves that lie inside the range, of
    levels from `smallest` to `largest`, before the first that is not.

    Writes to `found`, 12 bytes: how many leaves these are, whether one is GLOBAL, and the levels, one bit each.
    """
    fact = ptr32(facts)
    reserved = int(fact[_RESERVED])
    if largest > int(fact[_LARGEST]):
        largest = int(fact[_LARGEST])
    done = 0
    while done < count:
        at = int(walk(facts, see, page + done, 1, 0))
        level = at & _LEVEL
        at -= level
        shift = 9 * (level - 1)
        n = count - done >> shift
        room = 512 - (at >> 3 & 511)
        if n > room:
            n = room
        if n == 0 or level < smallest or level > largest or page + done & (1 << shift) - 1:
            return done
        if level == 1:
            sound = int(leaves(at, n, _PRESENT, 0, reserved))
        else:
            # Bit 0 of a huge page's frame field is PAT; the others below its size must be 0.
            sound = int(leaves(at, n, _PRESENT | _HUGE, (1 << shift) - 2, reserved))
        if sound < 2:
            return done
        found[0] = int(found[0]) + (sound >> 1)
        found[1] = int(found[1]) | sound & 1
        found[2] = int(found[2]) | 1 << level
        done += sound >> 1 << shift
    return done


@micropython.viper
def clear_leaves(facts: int, see, page: int, count: int):
    """Empty the entries of `count` 4 KiB pages, all of which are leaves inside the range."""
    while count > 0:
        at = int(walk(facts, see, page, 1, 0))
        level = at & _LEVEL
        shift = 9 * (level - 1)
        at -= level
        n = 512 - (at >> 3 & 511)
        if n > count >> shift:
            n = count >> shift
        if level > 1:
            n = 1
        clear(at, n)
        page += n << shift
        count -= n << shift


@micropython.viper
def change_leaves(facts: int, see, page: int, count: int, words: ptr32):
    """Change the entries of `count` 4 KiB pages, all of which are leaves inside the range.

    `words`: raw words of what is kept and what is set at level 1, then the same for the levels above.
    """
    while count > 0:
        at = int(walk(facts, see, page, 1, 0))
        level = at & _LEVEL
        shift = 9 * (level - 1)
        at -= level
        n = 512 - (at >> 3 & 511)
        if n > count >> shift:
            n = count >> shift
        if level > 1:
            change(at, 1, words[2], words[3])
            n = 1
        else:
            change(at, n, words[0], words[1])
        page += n << shift
        count -= n << shift


@micropython.viper
def extent(  # noqa: PLR0911
    facts: int, see, page: int, count: int, path: ptr32, next_path: ptr32, top: int
) -> int:
    """How many of `count` 4 KiB pages from number `page` on are one run: same page size, successive frames, the same
    flags (marks apart) and rights; or not mapped at all. 0 where an entry is malformed. `top` is the root's level.

    Writes to `path` what the walk of the first page saw. Returns that << 3 | the level where that walk ended.
    """
    at = int(walk(facts, see, page, 1, int(path)))
    level = at & _LEVEL
    first_level = level
    shift = 9 * (level - 1)
    low = int(path[(level << 1) - 2])
    high = int(path[(level << 1) - 1])
    mapped = low & _PRESENT
    frame = low >> 12 | (high & _HIGH_FRAME) << 20
    reserved = int(ptr32(facts)[_RESERVED]) & _HIGH_FRAME
    size = 1 << shift
    if mapped and int(is_malformed(facts, level, low, high)):
        return level
    word = low & 0xFFF | (high >> 20 & 0xFFF) << 12
    rights = int(rights_in(int(path), level + 1, top))
    inside = page & size - 1
    done = 0
    while True:
        at &= -8
        wanted = count - done + inside + size - 1 >> shift
        room = 512 - (at >> 3 & 511)
        if wanted > room:
            wanted = room
        if mapped:
            n = int(touching(at, wanted, frame, word, size))
            if frame + (n << shift) - 1 >> 20 & reserved:  # counting on has led beyond this CPU's frames
                if frame >> 20 & reserved:
                    return done << 3 | first_level
                n = 1
            frame += n << shift
        else:
            n = int(absent(at, wanted))
        done += (n << shift) - inside
        inside = 0
        if done >= count:
            return count << 3 | first_level
        if n < wanted:
            return done << 3 | first_level
        at = int(walk(facts, see, page + done, 1, int(next_path)))
        if mapped:
            if at & _LEVEL != level:
                return done << 3 | first_level
            # Mostly the entries above say the same, one by one; if not, what they leave together counts.
            differs = 0
            above = top << 1
            while above > level << 1:
                above -= 2
                differs |= (int(path[above]) ^ int(next_path[above])) & 6
                differs |= (int(path[above + 1]) ^ int(next_path[above + 1])) & 0x80000000
            if differs and int(rights_in(int(next_path), level + 1, top)) != rights:
                return done << 3 | first_level
        else:
            level = at & _LEVEL
            shift = 9 * (level - 1)
            size = 1 << shift
            if int(next_path[(level << 1) - 2]) & _PRESENT:
                return done << 3 | first_level


@micropython.viper
def is_malformed(facts: int, level: int, low: int, high: int) -> int:
    """1 if a present entry that ended a walk can't be a page's: reserved bits, or a table where none can be."""
    fact = ptr32(facts)
    if high & int(fact[_RESERVED]):
        return 1
    if level == 1:
        return 0
    if low & _HUGE == 0 or level > int(fact[_LARGEST]):
        return 1
    return 1 if (low >> 12 | (high & _HIGH_FRAME) << 20) & (1 << 9 * (level - 1)) - 2 else 0


@micropython.viper
def find(facts: int, see, page: int, path: ptr32) -> int:
    """The level of the leaf that a page number is mapped by, 0 if it is not mapped, or minus the level of a malformed
    entry. `path` takes what the walk saw."""
    level = int(walk(facts, see, page, 1, int(path))) & _LEVEL
    low = int(path[(level << 1) - 2])
    if low & _PRESENT == 0:
        return 0
    if level == 1:
        return 1 if int(path[1]) & int(ptr32(facts)[_RESERVED]) == 0 else -1
    if int(is_malformed(facts, level, low, int(path[(level << 1) - 1]))):
        return 0 - level
    return level


@micropython.viper
def leaf_at(facts: int, see, page: int, level: int) -> int:
    """The address of the entry that maps a page of that level, or 0 if it is mapped otherwise, or not at all."""
    at = int(walk(facts, see, page, 1, 0))
    if at & _LEVEL != level:
        return 0
    at -= level
    entry = ptr32(at)
    if int(entry[0]) & _PRESENT == 0:
        return 0
    if level == 1:
        return at if int(entry[1]) & int(ptr32(facts)[_RESERVED]) == 0 else 0
    return 0 if int(is_malformed(facts, level, int(entry[0]), int(entry[1]))) else at


@micropython.viper
def agreeing(facts: int, page: int, count: int, frame: int, word: int) -> int:
    """How many of `count` 4 KiB pages from number `page` on are mapped as an owner was told: by leaves that lie inside
    the range, to successive frames from `frame` on, with a flag word, marks and HUGE_PAGE apart; before the first that
    is not. For words without PAT, whose place depends on the level."""
    done = 0
    while done < count:
        at = int(walk(facts, None, page + done, 1, 0))
        level = at & _LEVEL
        at -= level
        shift = 9 * (level - 1)
        wanted = count - done >> shift
        room = 512 - (at >> 3 & 511)
        if wanted > room:
            wanted = room
        if wanted == 0 or (page + done | frame + done) & (1 << shift) - 1:
            return done
        if level == 1:
            same = int(touching(at, wanted, frame + done, word, 1))
        else:
            same = int(touching(at, wanted, frame + done, word | _HUGE, 1 << shift))
        done += same << shift
        if same < wanted:
            return done
    return done
