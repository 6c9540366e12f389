# Runs operation sequences of tests/paging/vectors/x86_64_mapper.txt on an inactive table and prints what came of each.
# Frames are those of the vectors plus DELTA: 200 of them from 0x2000 on would cross the VGA hole.
SIZES_OF = {"4": Page4K, "2": Page2M, "1": Page1G}
NAMES_OF = {"4K": Page4K, "2M": Page2M, "1G": Page1G}
PARENT_BITS = 0b111
owned = own_frames(202)
DELTA = owned.start.number - 1
# With five levels: the root's entries towards the crate's two halves lead to tables of level 4 that stay, for one entry
# of each, which no sequence uses, holds something.
halves = own_frames(2)
HALVES = (0, halves.start.number), (511, halves.start.number + 1)
KEPT_BY = 100


class Bump:
    def __init__(self, count):
        self.next, self.end, self.freed = DELTA + 2, DELTA + 2 + count, []

    def allocate_frame(self):
        if self.next == self.end:
            return None
        self.next += 1
        return Frame(self.next - 1)

    def deallocate_frame(self, frame):
        self.freed.append(frame.number - DELTA)


def map_one(mapper, allocator, size, words):
    page, frame = page_at(int(words[1]), size), frame_at(int(words[2]), size)
    # The crate derives the parents' flags from the page's and widens existing parents; here that must be asked for.
    parent = PteFlagsX86_64(int(words[4]) if len(words) > 4 else int(words[3]) & PARENT_BITS)
    mapper.map_to(page, frame, PteFlagsX86_64(int(words[3])), allocator, parent)
    return "ok"


def clean(mapper, allocator, first, last):
    allocator.freed = []
    ranges = [(first, last)] if first >> 47 == last >> 47 else [(first, 0x7FFFFFFFFFFF), (0xFFFF800000000000, last)]
    for low, high in ranges:
        pages = PageRange.from_numbers(low >> 12, high >> 12)
        mapper.clean_up_range(pages, allocator)
    return "freed" + ("" if not allocator.freed else " " + ",".join([hex(frame << 12) for frame in allocator.freed]))


def translate(mapper, address):
    found = mapper.translate(VirtualAddress(address))
    if not found:
        return "NotMapped"
    name = ("4K", "2M", "1G")[found.level - 1]
    return "%s %s %s %s" % (name, hex(found.frame.start_address.value), hex(found.offset), hex(found.flags.value))


def perform(mapper, allocator, words):
    kind, size = words[0][0], SIZES_OF.get(words[0][1:])
    if kind == "M":
        return map_one(mapper, allocator, size, words)
    if kind == "C":
        return clean(mapper, allocator, int(words[1]), int(words[2]))
    if kind == "T":
        return translate(mapper, int(words[1]))
    if kind == "S":
        call = getattr(mapper, "set_flags_p%s_entry" % words[0][1])
        call(page_at(int(words[1])), PteFlagsX86_64(int(words[2])))
        return "ok"
    page = page_at(int(words[1]), size)
    if kind == "U":
        return "ok " + hex(mapper.unmap(page)[0].start_address.value)
    if kind == "F":
        mapper.update_flags(page, PteFlagsX86_64(int(words[2])))
        return "ok"
    return "ok " + hex(mapper.translate_page(page).start_address.value)


def result_of(mapper, allocator, line):
    try:
        return perform(mapper, allocator, line.split())
    except PagingError as error:
        for kind in (PageNotMapped, PageAlreadyMapped, ParentEntryHugePage, FrameAllocationFailed):
            if isinstance(error, kind):
                return kind.__name__
        raise


def new_tables():
    """An empty root, and the tables of level 4 that are the crate's root: in one, or in two halves."""
    root = new_root(Frame(DELTA + 1))
    if LEVELS == 4:
        return root, [PageTable512(page_in_window(root.number), LEVELS, page_in_window)]
    for index, frame in HALVES:
        tables.clear_table(page_in_window(frame))
        tables.set_entry(page_in_window(frame), KEPT_BY, 1, 0)
        tables.set_entry(page_in_window(root.number), index, frame, 0b111)
    return root, [PageTable512(page_in_window(frame), 4, page_in_window) for _, frame in HALVES]


def print_entries(table, path):
    for entry in table.used():
        if entry.value == 1 << 12:
            continue
        below = table.next_table(entry.index)
        value = entry.value - (DELTA << 12 if below is not None else 0)
        print("E", path + str(entry.index) + "=" + hex(value))
        if below is not None:
            print_entries(below, path + str(entry.index) + ".")


def run_sequence(frames, lines):
    root, tops = new_tables()
    mapper = OffsetPageTable(root)
    allocator = Bump(frames)
    for line in lines:
        print(result_of(mapper, allocator, line))
    for top in tops:
        print_entries(top, "")
