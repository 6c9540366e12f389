"""`init`: from the loader's tables to a clean table of the kernel's own.

    what                        virtual                        rights
    ------------------------    ---------------------------    ------
    .text                       where it is linked             r-x
    .rodata                     where it is linked             r--
    .data, .bss, Python's heap  where they are linked          rw-
    stacks                      where they are linked          rw-, a guard page below each is not mapped
    what the emitter writes     where it is linked             r--, and r-x at its alias: port/runtime/emitted_code.c
    static boot tables          where they are linked          r--: a soft reset goes back to them
    all physical memory         the physical window            rw-; image, first heap and what is mapped to be executed
                                                               r--; nothing can be executed
    the table itself            the recursive slot             rw-, nothing can be executed

Every entry of the root's upper half exists from here on, so that every other table shares them all.
"""

from memory_structs import PAGE_SHIFT, set_physical_address_bits
from memory_structs.instances import make
from memory_structs.mode import LOWER_HALF_LAST_PAGE, PAGES_PER_ROOT_ENTRY, page_of_root_entry
from paging import FlushLedger
from paging.access import Access
from paging.boot_info import USABLE
from paging.flags import KEY_SHIFT, NO_EXECUTE, PRESENT, WRITABLE
from paging.guard import Guard
from paging.installations import entry_in_window, read_entry
from paging.natives import LAYOUT, cpu, critical, entries, memory
from paging.protection import Protection
from paging.shootdown import forget_all

from .allocators.arenas import none_elsewhere
from .allocators.boot_plan import RESERVED
from .audit import reserve_map
from .ledger import SYSTEM, enter, leave, mapped_frames, mapped_pages
from .mappings.page_table import KernelPageTable, share_kernel_half
from .runs import lists, set_room, take

WINDOW_PAGE = LAYOUT["WINDOW_PAGE"]
FOUR_GIB_IN_PAGES = 1 << 20
GIB_IN_PAGES = 1 << 18
BLOCKS = 512  # frames: a page of 2 MiB, which holds those of as many processors as can be
ROOMY = 9 * BLOCKS  # frames of RAM: a machine of fewer needs them for itself
# (first page, last page) of the region for loaded objects.
OBJECTS = LAYOUT["OBJECTS_PAGE"], LAYOUT["OBJECTS_PAGE"] + LAYOUT["OBJECTS_PAGES"] - 1
RIGHTS = {"r-x": PRESENT, "r--": PRESENT | NO_EXECUTE, "rw-": PRESENT | WRITABLE | NO_EXECUTE}


class InitialMemoryMappings:
    """What `init` made. All but `identity` are the kernel's own for ever.

    .page_table    the active PageTable
    .text, .rodata, .data (list), .stacks (list), .emitted_code (list), .boot_tables, .window (list): MappedPages
    .stack_guards  page numbers that are never mapped
    .identity      EarlyIdentityMappedPages, live until `init_post_heap`
    """

    def __init__(self, page_table):
        self.page_table = page_table
        self.data = []
        self.stacks = []
        self.emitted_code = []
        self.window = []
        self.stack_guards = []
        self.identity = None


class EarlyIdentityMappedPages:
    """The identity mappings of the boot: root entry 0, which leads to a table of the boot's."""

    def __init__(self, *_):
        raise TypeError("EarlyIdentityMappedPages are made by init(), once")

    @classmethod
    def _of_boot(cls, page_table):
        return make(cls, "_page_table", page_table)

    @property
    def is_live(self):
        return self._page_table is not None

    def drop_all(self):
        """Take the mappings away: page 0 and all of the lower half fault from here on. A second call does nothing."""
        if self._page_table is not None:
            entries.clear(entry_in_window(self._page_table.root, 0), 1)
            forget_all(self._page_table.root, 0, PAGES_PER_ROOT_ENTRY, True)
            self._page_table = None


class MemoryManagementInfo:
    """The kernel's address space: `.page_table`, the allocators, and what lives as long as it does.

    .extra_mapped_pages  the MappedPages of the kernel itself
    .initial_mappings    the same by names: the InitialMemoryMappings
    """

    def __init__(self, *_):
        raise TypeError("the MemoryManagementInfo is made by init_post_heap(), once")

    @classmethod
    def _of_boot(cls, page_table, made):
        self = make(cls, "page_table", page_table, "initial_mappings", made)
        self.extra_mapped_pages = [made.text, made.rodata, made.boot_tables]
        self.extra_mapped_pages += made.data + made.stacks + made.emitted_code + made.window
        self.frame_allocator = page_table._frames
        self.page_allocator = page_table._pages
        self.create_mapping = page_table.create_mapping  # bound once: the free function is called often
        # What the free functions of these names call, one look-up away.
        self.allocate_pages = self.page_allocator.allocate
        self.allocate_frames = self.frame_allocator.allocate
        return self

    def __repr__(self):
        return "MemoryManagementInfo(%s)" % self.page_table


def frames_of_boot(boot_info):
    """(memory map, kernel ranges, early record) as FrameAllocator.from_boot takes them.

    What the loader left is not usable, but whoever names its place may map it: ACPI's tables may share its frames.
    """
    memory_map = [(region._start, region._end, region.kind_number) for region in boot_info.memory_map]
    left = boot_info.modules + boot_info.loader_regions
    memory_map += [(each._start, each._end, RESERVED) for each in left]
    first, end = image_frames(boot_info)
    # GRUB puts its records where it finds room, between two segments of the image, say.
    records = [(each._start >> PAGE_SHIFT, each._end - 1 >> PAGE_SHIFT) for each in boot_info.loader_regions]
    image = lists.without([(first, end - 1)], records)
    kernel = [(low << PAGE_SHIFT, high + 1 << PAGE_SHIFT, "the kernel's image") for low, high in image]
    low, high = heap_frames(boot_info)
    kernel.append((low << PAGE_SHIFT, high + 1 << PAGE_SHIFT, "Python's heap"))
    early = [
        (first << PAGE_SHIFT, first + count << PAGE_SHIFT, "boot tables") for first, count in boot_info.early_frames
    ]
    held = [(low >> PAGE_SHIFT, (high >> PAGE_SHIFT) - 1) for low, high, _ in kernel + early]
    held += [(each._start >> PAGE_SHIFT, each._end - 1 >> PAGE_SHIFT) for each in left]
    Guard.blocks = frames_of_blocks(boot_info, memory_map, held)
    if Guard.blocks is not None:
        kernel.append((Guard.blocks << PAGE_SHIFT, Guard.blocks + BLOCKS << PAGE_SHIFT, "the other CPUs' blocks"))
    return memory_map, kernel, early


def read_only_frames(boot_info):
    """(first frame, last frame, name) of what the loader brought, for reading: modules, ACPI's regions, its records."""
    found = [(module, "the module %s" % module.name) for module in boot_info.modules]
    found += [(region, "what the map calls " + region.kind) for region in boot_info.memory_map if region.is_acpi]
    found += [(region, "the loader's information") for region in boot_info.loader_regions]
    return [(each._start >> PAGE_SHIFT, each._end - 1 >> PAGE_SHIFT, name) for each, name in found]


def image_frames(boot_info):
    """(first frame, frame behind the last) of what is kept of the image: the 32-bit entry code is done with."""
    first = min(section.first_frame for section in boot_info.sections if section.name != "heap")
    return first, boot_info.image[1] + 4095 >> PAGE_SHIFT


def heap_frames(boot_info):
    """(first frame, last frame) of the heap's first area."""
    [section] = [section for section in boot_info.sections if section.name == "heap"]
    return section.first_frame, section.first_frame + section.count - 1


def page_layout():
    """(pool, others, reserved, named) as PageAllocator.from_layout takes them; page numbers."""
    pool = root_entries("POOL_ROOT_INDEX", LAYOUT["POOL_ROOT_ENTRIES"])
    reserved = [
        (0, 0, "the null page"),
        root_entries("WINDOW_ROOT_INDEX", LAYOUT["WINDOW_ROOT_ENTRIES"]) + ("the physical window",),
        root_entries("TECHNIQUE_ROOT_INDEX", 1) + ("the windows of the access techniques",),
        root_entries("OTHER_RECURSIVE_ROOT_INDEX", 1) + ("the recursive slot of other tables",),
        root_entries("RECURSIVE_ROOT_INDEX", 1) + ("the recursive slot",),
        (root_entries("KERNEL_ROOT_INDEX", 1)[0], OBJECTS[0] - 1, "the kernel's image"),
        (OBJECTS[1] + 1, root_entries("KERNEL_ROOT_INDEX", 1)[1], "the alias of emitted code"),
    ]
    return pool, [(1, LOWER_HALF_LAST_PAGE)], reserved, [OBJECTS]


def root_entries(name, count):
    """(first page, last page) of `count` upper root entries from the one that the layout names."""
    first = page_of_root_entry(LAYOUT[name])
    return first, first + count * PAGES_PER_ROOT_ENTRY - 1


def new_kernel_table(system, boot_info):
    """The kernel's root, with all tables that roots share, and nothing mapped. From here on its half is protected."""
    pool = system.frame_allocator.pool
    first, end = image_frames(boot_info)
    protection = Protection(
        window_size_in_pages(boot_info), boot_info.sections, (first, end - 1), heap_frames(boot_info)
    )
    tables = 1 + len(protection.indexes)
    run = take(pool.tree, tables)
    if run < 0:
        raise MemoryError("no RAM for the kernel's own page tables")
    pool.tables += tables
    root = run >> 1
    memory.zero_frames(root, tables)
    protection.begin(root, root + 1)
    Protection.live, Access.shared_tables = protection, protection.shared_tables
    Access.marks = system.frame_allocator.table_frames.link_marks
    share_kernel_half(root)
    pool.count_elsewhere(mapped_frames, none_elsewhere)
    upper, lower = system.page_allocator._arenas
    upper.count_elsewhere(lambda: mapped_pages(True), none_elsewhere)
    lower.count_elsewhere(lambda: mapped_pages(False), none_elsewhere)
    table = KernelPageTable(root, system)
    reserve_map(table)
    return table


def map_system(table, page, frame, count, word):
    """Map a run that stays as long as the kernel runs. Returns its MappedPages."""
    mapped, record = table._new(page, count, word, SYSTEM, frame)
    table._place(record, ((frame, count, True),), word, table.largest_level)
    return mapped


def map_sections(table, boot_info, mappings):
    """Map the image where it is linked, each section with its own rights, guard pages left out."""
    guards = sorted(boot_info.guard_pages)
    mappings.stack_guards = guards
    for section in boot_info.sections:
        pieces = map_without(table, section, guards)
        if section.name == "text":
            mappings.text = pieces[0]
        elif section.name == "rodata":
            mappings.rodata = pieces[0]
        elif section.name == "boot tables":
            mappings.boot_tables = pieces[0]
        elif section.name in ("emitted source", "emitted code"):
            mappings.emitted_code += pieces
        else:
            for piece in pieces:
                below = piece._state[0].first_page - 1
                (mappings.stacks if below in guards else mappings.data).append(piece)


def map_without(table, section, guards):
    """Map a section but for the guard pages in it; a list of MappedPages."""
    pieces = []
    first = section.first_page
    offset = section.first_frame - first
    word = RIGHTS[section.rights]
    for guard in guards + [section.last_page + 1]:
        if first <= guard <= section.last_page + 1:
            if guard > first:
                pieces.append(map_system(table, first, first + offset, guard - first, word))
            first = guard + 1
    return pieces


def map_window(table, boot_info, mappings):
    """Map all of RAM, and at least the first 4 GiB, at the window; the kernel's image and Python's heap read-only."""
    first, end = image_frames(boot_info)
    read_only = lists.normal([(first, end - 1), heap_frames(boot_info)])
    pieces = [(low, high, RIGHTS["r--"]) for low, high in read_only]
    for low, high in lists.without([(0, window_size_in_pages(boot_info) - 1)], read_only):
        pieces += [
            (start, last, RIGHTS["rw-"] | key << KEY_SHIFT) for start, last, key in pieces_by_key(boot_info, low, high)
        ]
    for low, high, word in sorted(pieces):
        mappings.window.append(map_system(table, WINDOW_PAGE + low, low, high + 1 - low, word))


def pieces_by_key(boot_info, start, last):
    """(first frame, last frame, protection key) of the pieces of a run of frames, as the window shows them.

    RAM has the guard's key, if there is a guard: but for what is left out for the other processors. Where the loader's
    map says nothing, as of VGA's letters, and between RAM below 4 GiB and 4 GiB, are devices, which have none.
    """
    if Guard.key == 0:
        return ((start, last, 0),)
    ends = [region._end >> PAGE_SHIFT for region in boot_info.memory_map if region.is_usable]
    below = max([end for end in ends if end <= FOUR_GIB_IN_PAGES])
    told = [(region._start >> PAGE_SHIFT, region._end - 1 >> PAGE_SHIFT) for region in boot_info.memory_map]
    left_out = lists.without([(0, below - 1)], lists.normal(told)) + [(below, FOUR_GIB_IN_PAGES - 1)]
    if Guard.blocks is not None:
        left_out.append((Guard.blocks, Guard.blocks + BLOCKS - 1))
    run = [(start, last)]
    pieces = [(low, high, Guard.key) for low, high in lists.without(run, sorted(left_out))]
    return pieces + [(low, high, 0) for low, high in lists.common(run, sorted(left_out))]


def frames_of_blocks(boot_info, memory_map, taken):
    """Where the blocks of the other processors are to lie, in BLOCKS frames from there on: the same after every soft
    reset, for they stay. None without a guard, or with less RAM than ROOMY. `taken`: runs of frames, (first, last)."""
    usable = [(start >> PAGE_SHIFT, (end >> PAGE_SHIFT) - 1) for start, end, kind in memory_map if kind == USABLE]
    if Guard.key == 0 or sum([last + 1 - first for first, last in usable]) < ROOMY:
        return None
    for first, last in lists.without(sorted(usable), sorted(taken)):
        at = (first + BLOCKS - 1) & -BLOCKS
        if at + BLOCKS - 1 <= last:
            return at
    return None


def window_size_in_pages(boot_info):
    """How much the window shows, in whole GiB: RAM, the first 4 GiB, and the framebuffer."""
    ends = [region._end >> PAGE_SHIFT for region in boot_info.memory_map if region.is_usable]
    framebuffer = boot_info.framebuffer
    if framebuffer is not None:
        ends.append(framebuffer.start.number + (framebuffer.size_in_bytes >> PAGE_SHIFT) + 1)
    return max(FOUR_GIB_IN_PAGES, (max(ends) + GIB_IN_PAGES - 1) & ~(GIB_IN_PAGES - 1))


def initialize(boot_info, create_allocators):
    """Take over the machine's memory. Returns InitialMemoryMappings; the kernel runs on its own table then.

    The loader's root table, and everything the boot used, stays reserved: a soft reset begins there again.
    """
    set_physical_address_bits(cpu.physical_bits())
    memory_map, kernel, early = frames_of_boot(boot_info)
    window = (WINDOW_PAGE << PAGE_SHIFT) - (1 << 64)
    set_room(critical.require_room, critical.require_room_to_undo)
    system = create_allocators(memory_map, kernel, early, page_layout(), window, enter, leave)
    system.frame_allocator.read_only = read_only_frames(boot_info)
    table = new_kernel_table(system, boot_info)
    mappings = InitialMemoryMappings(table)
    map_sections(table, boot_info, mappings)
    map_window(table, boot_info, mappings)
    entries.write(entry_in_window(table.root, 0), *read_entry(boot_info.root_frame, 0))
    mappings.identity = EarlyIdentityMappedPages._of_boot(table)
    cpu.write_root_frame(table.root)
    FlushLedger.live = table.ledger  # what the paging layer owes the TLB, verify() sees
    return mappings
