"""Boot a frame allocator on random memory maps, and compare it with an oracle that looks at every 512 bytes.

    random_maps.py SEED MAPS

Maps are unsorted; regions overlap, touch, are misaligned, empty or reversed; reserved must win over usable.
"""

import random
import sys

from memory import FrameAllocator

FRAMES = 900
UNITS = 8  # of 512 bytes in a frame
RAM_KINDS = (1, 3, 4, 5)


def random_region(kind):
    start = random.randrange(FRAMES * UNITS)
    length = random.choice((0, 1, UNITS, 3 * UNITS, 100, 1000, 3000)) + random.randrange(3)
    if random.randrange(3) == 0:
        start -= start % UNITS
    return start * 512, min(start + length, FRAMES * UNITS) * 512, kind


def random_map():
    regions = [random_region(random.choice((1, 1, 1, 1, 2, 3, 4, 5, 9))) for _ in range(random.randrange(1, 60))]
    start, end, _ = random.choice(regions)
    regions.append((end, end + 512 * random.randrange(1, 500), 1))  # touches
    regions.append((end + 8192, start, 1))  # reversed, or overlapping
    regions.append((0x180000, 0x1C0000 + 512 * random.randrange(2000), 1))
    return regions


def covered(regions, frame):
    """How many of a frame's units some of the regions cover."""
    found = 0
    for unit in range(frame * UNITS, frame * UNITS + UNITS):
        found += any(start <= unit * 512 and unit * 512 + 512 <= end for start, end, _ in regions)
    return found


def states(regions, kernel, early):
    """For each frame, what it must be: "free", "tables", "heap", "reserved", or None when it is no RAM."""
    usable = [r for r in regions if r[2] == 1]
    others = [r for r in regions if r[2] != 1] + [(0, 1 << 20, 2)]
    ram = [r for r in regions if r[2] in RAM_KINDS] + [(0, 1 << 20, 1)]
    held = kernel + [e for e in early if e[2] not in ("tables", "heap")]
    for frame in range(max(FRAMES + 600, 1024)):
        if covered(others, frame) or covered(held, frame) or covered(usable, frame) < UNITS:
            yield "reserved" if covered(ram, frame) else None
        elif covered([e for e in early if e[2] == "tables"], frame):
            yield "tables"
        else:
            yield "heap" if covered(early, frame) else "free"


def check(regions, kernel, early):
    expected = list(states(regions, kernel, early))
    try:
        frames = FrameAllocator.from_boot(regions, kernel, early)
    except ValueError:
        assert "free" not in expected, "refused, but there is free RAM"
        return 0
    found = ["free" if any(f <= n < f + c for f, c, _ in frames.pool.runs()) else "" for n in range(len(expected))]
    assert [f == "free" for f in found] == [e == "free" for e in expected]
    s = frames.statistics()
    assert s.free == expected.count("free") and s.tables == expected.count("tables"), (s, expected.count("tables"))
    assert s.mapped == expected.count("heap") and s.reserved == expected.count("reserved"), s
    assert s.total == len(expected) - expected.count(None)
    held = kernel + early
    for _ in range(5):
        number = random.randrange(len(expected))
        owner = None
        try:
            owner = frames.allocate_at(frames._ranges._chunk(number).start_address, 1)
        except Exception:
            assert covered(held, number) or expected[number] in ("tables", "heap"), (number, expected[number])
        if owner:
            assert not covered(kernel, number) and expected[number] not in ("tables", "heap")
            owner.drop()
    assert frames.statistics().free == s.free
    everything = [frames.allocate(1) for _ in range(s.free)]
    assert sorted(o.first_number for o in everything) == [n for n, e in enumerate(expected) if e == "free"]
    return 1


def main(seed, maps):
    random.seed(seed)
    booted = 0
    for _ in range(maps):
        regions = random_map()
        kernel = [random_region("the kernel")[:2] + ("the kernel",) for _ in range(random.randrange(3))]
        early = [random_region(random.choice(("tables", "heap", "boot"))) for _ in range(random.randrange(4))]
        booted += check(regions, kernel, early)
    assert booted > maps // 2
    return "ok"


print(main(int(sys.argv[1]), int(sys.argv[2])))
