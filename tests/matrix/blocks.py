"""Which cases the permission matrix has.

`anchor()` is the product that kvm-unit-tests' access test enumerates, case for case: 19,169,280. `left_out()` takes
each factor that it leaves out, whole, against a pairwise cover of the others.
"""

import dataclasses
import itertools
import random
from dataclasses import dataclass

import numpy
from oracle.permissions import EXECUTE, LEVELS, READ, WRITE, Access, Settings

P, W, U, PWT, PCD, A, D, PS, G = 0, 1, 2, 3, 4, 5, 6, 7, 8
PAT_HUGE, RESERVED_HUGE, RESERVED, KEY, NX = 12, 13, 51, 59, 63
TABLE = 1 << P | 1 << W | 1 << U
CODE_VALUE = 0x7E57CC5A17AB1EB8  # ends with `mov $imm32, %eax; int3`; bytes 6 and 7 are free
PLACE = (64, 1, 0x100)  # the root's index, that of the levels below, offset in the page


@dataclass(frozen=True)
class Question:
    """What the oracle needs to know of a block.

    flags: raw entries of levels 4 (or the root) to 1, in this order, without addresses. toggles: (level, bit) pairs;
    state n has the k-th flipped if bit k of n is set.
    """

    flags: tuple
    toggles: tuple
    accesses: tuple
    settings: Settings

    @property
    def states(self):
        """How many combinations of the toggles there are."""
        return 1 << len(self.toggles)

    @property
    def cases(self):
        """How many (state, access) pairs there are."""
        return self.states * len(self.accesses)

    def entries(self, first=0, count=None):
        """Return the raw entries of some states, as arrays by level."""
        numbers = numpy.arange(first, first + (self.states if count is None else count), dtype=numpy.uint64)
        flags = zip(LEVELS, self.flags, strict=True)
        found = {level: numpy.full(numbers.shape, value, numpy.uint64) for level, value in flags}
        for position, (level, bit) in enumerate(self.toggles):
            flipped = (numbers >> numpy.uint64(position)) & numpy.uint64(1)
            found[level] ^= flipped << numpy.uint64(bit)
        return found


@dataclass(frozen=True)
class Block(Question):
    """Cases that share everything but some entry bits and the access, and where they are performed.

    place: the root's index, the index of the levels below down to 3, offset in the page. value: what the frame holds
    there. below_root: the highest entry is one of level 4, with the root above it; with four levels that is the root's.
    """

    name: str = ""
    place: tuple = PLACE
    value: int = CODE_VALUE
    below_root: bool = False

    def question(self):
        """Return the part that decides the outcome."""
        return Question(self.flags, self.toggles, self.accesses, self.settings)


def in_order(flags):
    """Return raw entries by level as a tuple, level 4 first."""
    return tuple(flags[level] for level in LEVELS)


ALL_KINDS = (READ, WRITE, EXECUTE)
ANCHOR_ACCESSES = tuple(
    Access(kind, user, primed=primed) for kind in ALL_KINDS for user in (False, True) for primed in (False, True)
)
ALL_ACCESSES = tuple(
    Access(kind, user, ac, primed)
    for kind, user, ac, primed in itertools.product(ALL_KINDS, (False, True), (False, True), (False, True))
)
KEYS_OFF = Settings()


def pkru(key_1_access, key_1_write):
    """Return a PKRU with these disable bits for key 1; key 2, which only entries that name tables have, denies all."""
    return key_1_access << 2 | key_1_write << 3 | 0b11 << 4


def key_settings(keys):
    """Return the (CR4.PKE, PKRU) pairs of the anchor; without keys on the CPU only "off"."""
    on = [(True, pkru(access, write)) for access in (0, 1) for write in (0, 1)]
    return [(False, pkru(1, 1)), *(on if keys else [])]


def anchor_tables(nxe):
    """Yield (extra bits by level, toggles) whose states together are the 39,936 table states of the anchor.

    At most one reserved bit: 51 of either entry, 13 of a large PDE, or NX while EFER.NXE is off.
    """
    toggles = [(level, bit) for level in (1, 2) for bit in (P, W, U, A, D)]
    toggles += [(1, NX), (2, NX)] if nxe else []
    reserved = [(1, RESERVED), (2, RESERVED)] + ([] if nxe else [(1, NX), (2, NX)])
    for large in (False, True):
        for bad in [None, *reserved, *([(2, RESERVED_HUGE)] if large else [])]:
            extra = {1: 0, 2: large << PS}
            if bad:
                extra[bad[0]] |= 1 << bad[1]
            yield extra, tuple(toggles)


def anchor(keys=True):
    """Yield the blocks of the anchor's whole product."""
    for nxe, wp, read_only, key in itertools.product((True, False), (True, False), (False, True), (0, 1)):
        for (pke, rights), (extra, toggles) in itertools.product(key_settings(keys), list(anchor_tables(nxe))):
            leaf = 2 if extra[2] >> PS & 1 else 1
            flags = {4: TABLE, 3: TABLE & ~(read_only << W), 2: extra[2], 1: extra[1]}
            for level in flags:
                flags[level] |= (key if level == leaf else 2) << KEY
            settings = Settings(wp=wp, nxe=nxe, pke=pke, pkru=rights)
            yield Block(in_order(flags), toggles, ANCHOR_ACCESSES, settings, "anchor")


# --- what the anchor leaves out ---

SIZES = {1: "4 KiB", 2: "2 MiB", 3: "1 GiB"}
LEAF_BITS = (P, W, U, NX, A, D)
RESERVED_CHOICES = (None, "leaf", "top", "middle", "low")
VALUES = (
    CODE_VALUE,
    0x0000CC00000000B8,
    0xFFFFCCFFFFFFFFB8,
    0x8000CC80000000B8,
    0x0001CC00000001B8,
    0x5555CC55555555B8,
    0xAAAACCAAAAAAAAB8,
    0x1234CC7FFFFFFFB8,
)
OFFSETS = (0, 1, 0x7FC, 0xFF8)
PLACES = tuple(itertools.product((0, 64, 255, 256, 400, 510), (0, 1, 511), OFFSETS))

FACTORS = {
    "level": (1, 2, 3),
    "leaf": tuple(itertools.product((0, 1), repeat=3)),  # W, U, NX of the leaf
    "dirty": ((0, 0), (1, 0), (1, 1)),  # A, D of the leaf
    "upper": ((1, 1, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1), (0, 0, 1)),  # W, U, NX of the levels above
    "reserved": RESERVED_CHOICES,
    "global": (0, 1),
    "cache": tuple(range(8)),  # PWT, PCD, PAT
    "key": (0, 1, 15),
    "wp": (False, True),
    "nxe": (False, True),
    "smep": (False, True),
    "smap": (False, True),
    "keys": (None, (0, 0), (0, 1), (1, 0), (1, 1)),  # CR4.PKE off, or (AD, WD) of the leaf's key
    "place": PLACES[:: len(PLACES) // 8],
    "value": VALUES,
}


def pairwise(factors, seed=1):
    """Return rows {factor: value} in which every pair of values of every two factors occurs; greedy, repeatable."""
    chance = random.Random(seed)
    names = list(factors)
    open_pairs = {
        (one, left, other, right)
        for one, other in itertools.combinations(names, 2)
        for left, right in itertools.product(factors[one], factors[other])
    }
    rows = []
    while open_pairs:
        best, best_gain = None, -1
        seed_pair = min(open_pairs, key=repr)
        for _ in range(12):
            row = {name: chance.choice(factors[name]) for name in names}
            row[seed_pair[0]], row[seed_pair[2]] = seed_pair[1], seed_pair[3]
            gain = len(covered(row, names) & open_pairs)
            if gain > best_gain:
                best, best_gain = row, gain
        rows.append(best)
        open_pairs -= covered(best, names)
    return rows


def covered(row, names):
    """Return the pairs that a row covers."""
    return {(one, row[one], other, row[other]) for one, other in itertools.combinations(names, 2)}


def block_of(name, row, toggles):
    """Return the block of one row of a cover, with some bits left to toggle."""
    leaf_level, key = row["level"], row["key"]
    writable, user, no_execute = row["upper"]
    flags = {level: 1 << P | writable << W | user << U | no_execute << NX | 2 << KEY for level in (4, 3, 2, 1)}
    writable, user, no_execute = row["leaf"]
    accessed, dirty = row["dirty"]
    leaf = 1 << P | writable << W | user << U | no_execute << NX | accessed << A | dirty << D
    leaf |= key << KEY | row["global"] << G | (leaf_level > 1) << PS
    leaf |= (row["cache"] & 1) << PWT | (row["cache"] >> 1 & 1) << PCD
    leaf |= (row["cache"] >> 2) << (PAT_HUGE if leaf_level > 1 else PS)
    flags[leaf_level] = leaf
    flags = corrupted(flags, row["reserved"], leaf_level)
    on = row["keys"] is not None
    rights = (row["keys"][0] | row["keys"][1] << 1) << 2 * key if on else 0xFFFFFFFF
    settings = Settings(row["wp"], row["nxe"], row["smep"], row["smap"], on, rights | (0b11 << 4 if key != 2 else 0))
    toggles = tuple((leaf_level if level == "leaf" else level, bit) for level, bit in toggles)
    return Block(in_order(flags), toggles, ALL_ACCESSES, settings, name, row["place"], row["value"])


def corrupted(flags, where, leaf_level):
    """Return entries with one reserved bit set, or as they were."""
    bit = {None: None, "leaf": (leaf_level, RESERVED), "top": (4, PS), "middle": (3, RESERVED)}.get(where, "low")
    if bit == "low":
        bit = (leaf_level, RESERVED_HUGE) if leaf_level > 1 else (2, RESERVED)
    if bit:
        flags[bit[0]] |= 1 << bit[1]
    return flags


def without(*names, **fixed):
    """Return the factors but for some, and with some held to one value."""
    left = {name: values for name, values in FACTORS.items() if name not in names}
    return left | {name: (value,) for name, value in fixed.items()}


def filled(rows, **values):
    """Return rows with these factors added."""
    return [row | values for row in rows]


NEUTRAL = {"leaf": (1, 1, 0), "dirty": (0, 0), "upper": (1, 1, 0), "global": 0, "cache": 0}


def gigabyte_pages():
    """Every bit of a 1 GiB leaf with every right of the level above it."""
    toggles = [("leaf", bit) for bit in (*LEAF_BITS, G, PAT_HUGE)] + [(4, bit) for bit in (P, W, U, NX)]
    rows = pairwise(without("leaf", "dirty", "upper", "global", "cache", level=3))
    return [block_of("1 GiB pages", row, toggles) for row in filled(rows, **NEUTRAL)]


def upper_levels():
    """Every bit of the two levels that the anchor holds still, and then of the third."""
    toggles = [(level, bit) for level in (4, 3) for bit in (P, W, U, NX, A)]
    rows = pairwise(without("upper", level=1)) + pairwise(without("upper", level=2))
    found = [block_of("upper levels", row, toggles) for row in filled(rows, upper=(1, 1, 0))]
    toggles = [(2, bit) for bit in (P, W, U, NX, A, D, G)] + [(3, W), (3, U), (4, U), (3, D)]
    rows = pairwise(without("upper", level=1), seed=2)
    return found + [block_of("upper levels", row, toggles) for row in filled(rows, upper=(1, 1, 0))]


def supervisor_mode_prevention():
    """The anchor's tables with CR4.SMAP on and off the way of RFLAGS.AC, with and without SMEP."""
    for nxe, wp, smep in itertools.product((True, False), repeat=3):
        for extra, toggles in anchor_tables(nxe):
            flags = {4: TABLE, 3: TABLE, 2: extra[2], 1: extra[1]}
            settings = Settings(wp=wp, nxe=nxe, smep=smep, smap=True)
            yield Block(in_order(flags), toggles, ALL_ACCESSES, settings, "SMAP and AC")


def supervisor_keys():
    """The anchor's tables with IA32_PKRS: CR4.PKS on and off, alone and together with PKRU, for a key that it limits.

    Key 0 is never limited: the code that makes the accesses has it.
    """
    for nxe, wp, pke in itertools.product((True, False), repeat=3):
        for (pks, rights), (extra, toggles) in itertools.product(key_settings(True), list(anchor_tables(nxe))):
            leaf = 2 if extra[2] >> PS & 1 else 1
            flags = {4: TABLE, 3: TABLE, 2: extra[2], 1: extra[1]}
            for level in flags:
                flags[level] |= (1 if level == leaf else 2) << KEY
            settings = Settings(wp=wp, nxe=nxe, smap=pke, pke=pke, pkru=pkru(0, 1), pks=pks, pkrs=rights)
            yield Block(in_order(flags), toggles, ALL_ACCESSES, settings, "supervisor keys")


def cache_and_global_bits():
    """GLOBAL, PAT, PCD, PWT and the bits that the MMU ignores, at every level."""
    toggles = [("leaf", bit) for bit in (PWT, PCD, G, 9, 58)] + [(4, PWT), (4, PCD)]
    found = []
    for level, pat in ((1, PS), (2, PAT_HUGE), (3, PAT_HUGE)):
        rows = filled(pairwise(without("global", "cache", level=level)), **{"global": 0, "cache": 0})
        found += [block_of("GLOBAL and PAT", row, [("leaf", pat), *toggles]) for row in rows]
    return found


def addresses():
    """Every place an access can have: both halves of the address space, first and last slots, odd offsets."""
    toggles = [("leaf", bit) for bit in (P, W, U, NX)]
    rows = pairwise(without("place", "leaf"))
    return [
        block_of("value of CR2", row | {"place": place, "leaf": (1, 1, 0)}, toggles) for row in rows for place in PLACES
    ]


def values():
    """Every value against the rest."""
    toggles = [("leaf", bit) for bit in LEAF_BITS]
    rows = pairwise(without("value", "leaf", "dirty"))
    return [
        block_of("value read", row | {"value": value, "leaf": (1, 1, 0), "dirty": (0, 0)}, toggles)
        for row in rows
        for value in VALUES
    ]


def left_out(keys=True):
    """Return the blocks of every factor that the anchor leaves out."""
    found = [*gigabyte_pages(), *upper_levels(), *supervisor_mode_prevention(), *cache_and_global_bits()]
    found += [*addresses(), *values(), *supervisor_keys()]
    return [block for block in found if keys or not (block.settings.pke or block.settings.pks)]


def catalogue():
    """Return all blocks, those of the anchor first: a block's place in it is its number.

    All come twice: about the root's entry, and then about one of level 4 below a root that allows everything.
    """
    found = [*anchor(), *left_out()]
    return found + [dataclasses.replace(each, below_root=True) for each in found]


def sample(blocks, states, seed):
    """Yield (block, first state, number of states): a random run of states out of each block."""
    chance = random.Random(seed)
    for block in blocks:
        count = min(states, block.states)
        yield block, chance.randrange(block.states - count + 1), count
