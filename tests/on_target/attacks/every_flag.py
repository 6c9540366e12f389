# Every subset of the flag bits, in the kernel: maps 512 pages of a size, each with its own subset, and changes them.
SLOT = 60  # a root entry of the lower half, where ring 3 may be let in
BASE = page_of_root_entry(SLOT) << 12
SIZE_AT = {1: Page4K, 2: Page2M, 3: Page1G}
FRAMES_FROM = 16 << 30  # frames of no RAM, so that nothing needs to be cleared
BITS = [W, U, PteFlagsX86_64.WRITE_THROUGH, PteFlagsX86_64.CACHE_DISABLE, PteFlagsX86_64.ACCESSED]
BITS += [PteFlagsX86_64.DIRTY, G, PAT, NX]
MARKS = PteFlagsX86_64.ACCESSED | PteFlagsX86_64.DIRTY
mapper = OffsetPageTable()
SUBSETS = []


def prepare(level, key):
    """What all rows need: pages and frames of one level, tables above them, and the 512 sets of flags."""
    global size, frames, lent, first_page, first_frame
    size = SIZE_AT[level]
    lent = memory.allocate_frames(8)
    frames = Frames(lent)
    first_page = Page.from_start_address(VirtualAddress(BASE), size)
    first_frame = Frame.from_start_address(PhysicalAddress(FRAMES_FROM), size)
    SUBSETS.clear()
    for n in range(512):
        flags = P
        for bit in range(9):
            if n >> bit & 1:
                flags |= BITS[bit]
        SUBSETS.append(flags.with_protection_key(key))


def find_leaves():
    """The one table that all 512 leaves are in, as an object of the paging layer."""
    global leaves
    leaves = active_level_4_table()
    for above in range(LEVELS, size.level, -1):
        leaves = leaves.next_table(first_page.index_at(above))


def each(act):
    for n in range(512):
        act(n, SUBSETS[n])


def finish():
    """Give back tables and frames."""
    mapper.clean_up_range(PageRange(at(BASE), Page(page_of_root_entry(SLOT + 1) - 1)), frames)
    assert frames.out == 0
    lent.drop()


# The paging layer.


def map_to(n, flags):
    mapper.map_to(first_page + n, first_frame + n, flags, frames)


def map_range(n, flags):
    count = size.num_4k_pages
    pages = PageRange.from_numbers((first_page + n).number, (first_page + n).number + count - 1)
    ram = FrameRange.from_numbers((first_frame + n).number, (first_frame + n).number + count - 1)
    mapper.map_range(pages, ram, flags, frames)


def update_flags(n, flags):
    mapper.update_flags(first_page + n, flags).ignore()


def update_flags_range(n, flags):
    count = size.num_4k_pages
    first = (first_page + n).number
    mapper.update_flags_range(PageRange.from_numbers(first, first + count - 1), flags).ignore()


def set_flags(n, flags):
    """By the entry object."""
    leaves[n].set_flags(flags)


KEPT = (PAT | MARKS | NX).word


def update_flags_but_keep(n, flags):
    """Some flags of the old ones stay: PAT among them, in its own place."""
    mapper.update_flags(first_page + n, flags, KEPT).ignore()


def unmap_and_map(n, flags):
    """Map again what unmap() says that was mapped."""
    frame, flags, token = mapper.unmap(first_page + n)
    token.ignore()
    mapper.map_to(first_page + n, frame, flags - PteFlagsX86_64.HUGE_PAGE, frames)


def told(n, flags):
    """What translate() and unmap() say of the flags, and whether it is what was asked for."""
    expected = flags | (PteFlagsX86_64.HUGE_PAGE if size.level > 1 else PteFlagsX86_64(0))
    found = mapper.translate((first_page + n).start_address)
    if found.flags != expected or found.frame != first_frame + n or found.offset:
        wrong.append((n, repr(found)))


def unmap(n, flags):
    mapper.unmap(first_page + n)[2].ignore()


# Owned mappings: of a region of device frames, so that they exist in every size and are never cleared.


def own():
    global pages, devices, mappings
    count = 512 * size.num_4k_pages
    pages = memory.allocate_pages_at(VirtualAddress(BASE), count)
    devices = memory.allocate_frames_at(PhysicalAddress(FRAMES_FROM), count)
    mappings = []


def own_one(n, flags):
    """Map the next of them; W+X is not what this is about."""
    global pages, devices
    if n < 511:
        page, pages = pages.split(at(BASE) + (n + 1) * size.num_4k_pages)
        first = Frame.from_start_address(PhysicalAddress(FRAMES_FROM))
        frame, devices = devices.split(first + (n + 1) * size.num_4k_pages)
    else:
        page, frame = pages, devices
    mappings.append(K.map_allocated_pages_to(page, frame, flags, override="every subset of flags"))


def marked(n, flags):
    """Let the entry say that it was accessed and written, as the CPU would."""
    where = place((first_page + n).start_address.value, size.level)
    poke(where[0], where[1], raw(*where) | 0x60)


def remap(n, flags):
    mappings[n].remap(flags, override="every subset of flags")


def remap_to_the_other(n, flags):
    """To the complement, so that each bit is taken away from what had it."""
    mappings[n].remap(SUBSETS[n ^ 511], override="every subset of flags")


def split_and_merge(n, flags):
    """Divide it, one small page behind its middle, and join the owners again: so many can't be followed."""
    low, high = mappings[n].split(mappings[n].start + size.num_4k_pages // 2 + 1)
    low.merge(high)
    mappings[n] = low


def into_parts_and_back(n, flags):
    part, found = mappings[n].unmap_into_parts()
    mappings[n] = K.map_allocated_pages_to(part, found[0], flags, override="every subset of flags")


def drop(n, flags):
    mappings[n].drop()
