"""Who owns which pages of which root, in page order, and what no record covers."""

from array import array

from memory_structs.mode import LEVELS, LOWER_HALF_PAGES, PAGES_PER_ROOT_ENTRY, ROOT_SHIFT, TRANSLATED_PAGES
from micropython import const
from paging.natives import LAYOUT

from ..ledger import DEVICE, SYSTEM, TABLE, next_record, read
from .leaves import OwnedLeaves, WindowLeaves
from .report import physical, virtual
from .unowned import TechniqueLeaves, UnownedLeaves
from .walk import ALL_RIGHTS

NO_EXECUTE = const(1 << 23)  # of a flag word
INDEX_MASK = const(0xFFFF)  # of a record; above it in a key stands the page
INDEX_SHIFT = const(16)

# What `read` writes of a record.
RECORD_WORDS = const(6)
ROOT = const(0)
FIRST_PAGE = const(1)
COUNT = const(2)
FLAGS = const(3)
KIND = const(4)
OVERRIDDEN = const(5)

SMALL = const(512)  # pages: from here on there may be huge leaves


def in_order(keys):
    """Sort a list of different numbers.

    `list.sort` takes the square of the time for what is in order already, so that is left alone, or shuffled first.
    """
    last = -1
    for key in keys:
        if key < last:
            break
        last = key
    else:
        return keys
    number = 1
    for i in range(len(keys) - 1, 0, -1):
        number = number * 1103515245 + 12345 & 0x7FFFFFFF
        j = (number >> 8) % (i + 1)
        keys[i], keys[j] = keys[j], keys[i]
    keys.sort()
    return keys


class Records:
    """The records of one audit: live ones, and lost ones that could not be reclaimed.

    .tables             frames of the PageTables' roots
    .mappings, .pages   how many mappings there are, and how many pages they have
    .device_pages       how many of these are of devices
    .owned_pages        how many are not the kernel's own for ever, in the lower half and in the upper one
    """

    def __init__(self, kernel_root):
        """Read them all, and put them into the order of their pages, root by root."""
        self.mappings = self.pages = self.device_pages = 0
        self.owned_pages = [0, 0]
        self.tables = []
        self._words = words = array("l", bytes(8 * RECORD_WORDS))
        self._keys = keys_of = {kernel_root: []}
        uppers = keys_of[kernel_root]
        index = next_record(0)
        while index >= 0:
            read(index, words)
            page = words[FIRST_PAGE] & TRANSLATED_PAGES - 1
            if words[KIND] == TABLE:
                self.tables.append(words[ROOT])
            elif page >= LOWER_HALF_PAGES:
                uppers.append(page << INDEX_SHIFT | index)
            else:
                keys_of.setdefault(words[ROOT], []).append(page << INDEX_SHIFT | index)
            index = next_record(index + 1)
        for root, keys in keys_of.items():
            keys_of[root] = in_order(keys)

    def check(self, walk, ranges, findings, aliases):
        """Hold every record against its leaves; none may overlap another.

        `ranges` is {root: [(first page, page behind the last)]}. Returns what no record covers: [(root, page, page
        behind)]; and the frames above all RAM that device mappings have.
        """
        visits = OwnedLeaves(walk, findings), WindowLeaves(walk, findings, aliases.note_closed), aliases
        gaps = []
        for root, keys in self._keys.items():
            if root in ranges:
                end = self._check_root(root, keys, walk, visits, findings, gaps)
                gaps.append((root, end, ranges[root][-1][1]))
            else:
                page = virtual(keys[0] >> INDEX_SHIFT)
                findings.complain("%s is mapped in %s, which is no PageTable", page, physical(root))
        gaps += [(root, 0, ranges[root][-1][1]) for root in ranges if root not in self._keys]
        return gaps, visits[0].devices

    def _check_root(self, root, keys, walk, visits, findings, gaps):
        """Those of one root; returns the page behind the last.

        Those that touch and look alike are checked together, but for large ones: no huge leaf lies in these.
        """
        words = self._words
        first = end = looks = 0
        were_small = False
        for key in keys:
            page = key >> INDEX_SHIFT
            read(key & INDEX_MASK, words)
            count = words[COUNT]
            look = words[FLAGS] << 4 | words[KIND] << 1 | words[OVERRIDDEN]
            if page != end or look != looks or not were_small or count >= SMALL:
                self._check_pages(root, first, end, looks, walk, visits)
                if page > end:
                    gaps.append((root, end, page))
                elif page < end:
                    findings.complain("%s has two owners", virtual(page, min(end - page, count)))
                first, looks, were_small = page, look, count < SMALL
            end = max(end, page + count)
        self._check_pages(root, first, end, looks, walk, visits)
        self.mappings += len(keys)
        return end

    def _check_pages(self, root, page, end, looks, walk, visits):
        """Check pages whose records look alike."""
        count, kind = end - page, looks >> 1 & 7
        visit = visits[kind == SYSTEM and is_in_window(page)]
        if count:
            visit.expect(kind, looks >> 4, looks & 1)
            walk.walk_root(root, page, end, visit)
            if not looks >> 4 & NO_EXECUTE:
                walk.walk_root(root, page, end, visits[2])
        self.pages += count
        if kind != SYSTEM:
            self.owned_pages[page >= LOWER_HALF_PAGES] += count
        if kind == DEVICE:
            self.device_pages += count


def is_in_window(page):
    """Does a page number, without sign bits, lie in the physical window?"""
    return LAYOUT["WINDOW_ROOT_INDEX"] <= page >> ROOT_SHIFT < LAYOUT["POOL_ROOT_INDEX"]


def check_the_rest(walk, ranges, windows, gaps, devices, findings, aliases):
    """Look at everything that no record covers, and at the windows of the techniques."""
    visit, techniques = UnownedLeaves(walk, findings, aliases), TechniqueLeaves(walk, findings, aliases)
    visit.devices = devices
    for root, page, behind in gaps:
        for first, end in ranges[root]:
            first, end = max(first, page), min(end, behind)
            if first < end:
                walk.walk_root(root, first, end, visit)
                visit.close()
    first = LAYOUT["TECHNIQUE_ROOT_INDEX"] * PAGES_PER_ROOT_ENTRY
    for table in windows:
        walk.walk(table, LEVELS - 1, first, first + PAGES_PER_ROOT_ENTRY, ALL_RIGHTS, techniques)
