"""Bench rows of the allocators: one allocation and the drop of it, unless a row says otherwise.

The rows with a number of free chunks have a page allocator of their own, whose bookkeeping lies outside Python's heap;
"whole" means that the chunk which is taken goes as a whole, so that the tree loses and gains a node.
"""

from memory import (
    FrameAllocator,
    PageAllocator,
    PageRange,
    VirtualAddress,
    allocate_frames,
    allocate_frames_by_bytes,
    allocate_pages,
    frame_allocator,
    page_allocator,
    runs,
)
from memory_structs import PAGE_SHIFT, Page
from memory_structs.mode import UPPER_HALF_FIRST_PAGE, page_of_root_entry
from memory_structs.spaces import ARCHITECTURAL_PHYSICAL_BITS, PHYSICAL
from paging.natives import LAYOUT
from paging.protection import address_in_window

from diagnostics.bench import undo

# In rounds of five, so that the loop adds 50 instructions to each and not 260.
ROUNDS = 20
TIMES = 5 * ROUNDS
FEW, MANY = 10, 100_000
FIRST = page_of_root_entry(LAYOUT["POOL_ROOT_INDEX"])
SPACING = 32
LEFT_OVER = 64  # frames
MILLION = 1_000_000
# Far behind the small chunks: where a million fit.
LARGE = FIRST + MANY * SPACING


def window_memory(size_in_bytes):
    """Bookkeeping memory in frames, reached through the physical window: (signed address, size)."""
    frames = allocate_frames_by_bytes(size_in_bytes)
    undo(frames.drop)
    return address_in_window(frames.start.number), frames.size_in_bytes


def chunked(chunks, size):
    """A page allocator with so many free chunks: small ones of `size` pages, and one of two million behind them."""
    nodes = chunks + 50 if chunks > FEW else 100
    pages = PageAllocator.from_layout((LARGE, LARGE + 2 * MILLION - 1), [], [], window_memory, nodes)
    pool = pages.pool
    runs.add_owners(pool.tree, chunks)
    for number in range(chunks - 1):
        runs.give(pool.tree, FIRST + number * SPACING << 1, size)
    pool.low = FIRST
    return pages


def numbers(chunks, size, count=1):
    """take and give, by number."""

    def prepare():
        tree = chunked(chunks, size).pool.tree

        def act(tree=tree, count=count, take=runs.take, give=runs.give):
            for _ in range(ROUNDS):
                give(tree, take(tree, count), count)
                give(tree, take(tree, count), count)
                give(tree, take(tree, count), count)
                give(tree, take(tree, count), count)
                give(tree, take(tree, count), count)

        return act

    return prepare


def random_numbers(chunks):
    """take_at and give of one number somewhere: what a search through the whole tree costs."""

    def prepare():
        tree = chunked(chunks, 10).pool.tree
        take_at, give = runs.take_at, runs.give
        places = [FIRST + number * 7919 % (chunks - 1) * SPACING for number in range(TIMES)]

        def act():
            for place in places:
                give(tree, take_at(tree, place, 1), 1)

        return act

    return prepare


def owners(chunks, size, count=1):
    """allocate and drop, as typed owners, from an allocator with so many chunks."""

    def prepare():
        return allocate_and_drop(chunked(chunks, size).allocate, count)

    return prepare


def machine(allocate, allocator):
    """allocate and drop one from the machine's own allocators, through the functions that a user types.

    A few that boot left over are kept: taken whole, they cost a node that goes and comes, by how long the image is.
    """

    def prepare():
        for _, count, _ in allocator.pool.runs():
            if count < LEFT_OVER:
                undo(allocate(count).drop)
        return allocate_and_drop(allocate, 1)

    return prepare


def simulated(ram_in_bytes):
    """allocate and drop one frame of a machine that has so much RAM, but for that in its memory map only."""

    def prepare():
        undo(PHYSICAL.set_bits, PHYSICAL.bits)
        PHYSICAL.set_bits(ARCHITECTURAL_PHYSICAL_BITS)
        return allocate_and_drop(FrameAllocator.from_boot([(0, ram_in_bytes, 1)], []).allocate, 1)

    return prepare


def allocate_and_drop(allocate, count):
    def act(allocate=allocate, count=count):
        for _ in range(ROUNDS):
            allocate(count).drop()
            allocate(count).drop()
            allocate(count).drop()
            allocate(count).drop()
            allocate(count).drop()

    return act


def at_one_place():
    """allocate_at and drop."""
    allocate_at = chunked(FEW, 10).allocate_at
    address = Page(FIRST + SPACING).start_address

    def act():
        for _ in range(TIMES):
            allocate_at(address, 4).drop()

    return act


def within_a_range():
    """allocate_in_range and drop."""
    allocate = chunked(FEW, 10).allocate_in_range
    limits = PageRange(Page(FIRST + SPACING), Page(FIRST + 3 * SPACING))

    def act():
        for _ in range(TIMES):
            allocate(4, limits).drop()

    return act


def split_and_merge():
    """split an owner in two and merge the halves again."""
    state = [allocate_pages(4)]
    middle = state[0].start + 2

    def act():
        for _ in range(TIMES):
            low, high = state[0].split(middle)
            low.merge(high)
            state[0] = low

    return act


def addresses():
    """VirtualAddress(n), checked."""
    value = UPPER_HALF_FIRST_PAGE << PAGE_SHIFT

    def act():
        for _ in range(TIMES):
            VirtualAddress(value)

    return act


ROWS = (
    ("allocator: take and give by numbers, 10 free chunks", numbers(FEW, 10), TIMES),
    ("allocator: take and give by numbers, 100,000 free chunks", numbers(MANY, 10), TIMES),
    ("allocator: take and give by numbers, 10 free chunks, whole", numbers(FEW, 1), TIMES),
    ("allocator: take and give by numbers, 100,000 free chunks, whole", numbers(MANY, 1), TIMES),
    ("allocator: take and give a million by numbers, 10 free chunks", numbers(FEW, 10, MILLION), TIMES),
    ("allocator: take and give by numbers anywhere, 10 free chunks", random_numbers(FEW), TIMES),
    ("allocator: take and give by numbers anywhere, 100,000 free chunks", random_numbers(MANY), TIMES),
    ("allocator: allocate and drop, 10 free chunks", owners(FEW, 10), TIMES),
    ("allocator: allocate and drop, 100,000 free chunks", owners(MANY, 10), TIMES),
    ("allocator: allocate and drop, 10 free chunks, whole", owners(FEW, 1), TIMES),
    ("allocator: allocate and drop, 100,000 free chunks, whole", owners(MANY, 1), TIMES),
    ("allocator: allocate and drop 512, on a 2 MiB boundary", owners(FEW, 10, 512), TIMES),
    ("allocator: allocate and drop a million, on a 1 GiB boundary", owners(FEW, 10, MILLION), TIMES),
    ("allocator: allocate_pages(1) and drop, at boot", machine(allocate_pages, page_allocator), TIMES),
    ("allocator: allocate_frames(1) and drop, at boot", machine(allocate_frames, frame_allocator), TIMES),
    ("allocator: allocate and drop a frame of a simulated GiB", simulated(1 << 30), TIMES),
    ("allocator: allocate and drop a frame of simulated 4 PiB", simulated(1 << 52), TIMES),
    ("allocator: allocate_at and drop", at_one_place, TIMES),
    ("allocator: allocate_in_range and drop", within_a_range, TIMES),
    ("allocator: split and merge", split_and_merge, TIMES),
    ("address: a checked VirtualAddress", addresses, TIMES),
)
