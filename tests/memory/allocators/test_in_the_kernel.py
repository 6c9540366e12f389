"""The allocators of the running kernel: the functions that a user types, and Ctrl-C at any moment."""

import time

FREE_FUNCTIONS = """
import memory
from memory import *
def check(kind, allocator, first):
    # Each function against the allocator's method, around number `first`, where some hundred are free.
    chunk = allocator._ranges._chunk
    limits = allocator._ranges(chunk(first), chunk(first + 0xff))
    address = chunk(first + 0x100).start_address
    calls = [
        (allocator.allocate, (3,), getattr(memory, "allocate_" + kind)),
        (allocator.allocate_by_bytes, (4097,), getattr(memory, "allocate_" + kind + "_by_bytes")),
        (allocator.allocate_at, (address, 2), getattr(memory, "allocate_" + kind + "_at")),
        (allocator.allocate_by_bytes_at, (address, 9000), getattr(memory, "allocate_" + kind + "_by_bytes_at")),
        (allocator.allocate_in_range, (2, limits), getattr(memory, "allocate_" + kind + "_in_range")),
        (allocator.allocate_by_bytes_in_range, (1, limits), getattr(memory, "allocate_" + kind + "_by_bytes_in_range")),
    ]
    for method, arguments, function in calls:
        with method(*arguments) as owner:
            expected = owner.range
        with function(*arguments) as owner:
            assert owner.range == expected and type(owner) is allocator._owners, kind
    for suffix, size in (("_deferred", 3), ("_by_bytes_deferred", 9000)):
        owner, action = getattr(memory, "allocate_" + kind + suffix)(AllocationRequest.AlignedTo(4), size)
        assert len(owner) == 3 and owner.first_number % 4 == 0
        action.drop()
        owner.drop()
"""


def test_the_free_functions_do_what_the_allocators_do(kernel):
    kernel.exec(FREE_FUNCTIONS)
    kernel.exec("""
        frames, pages = memory.frame_allocator, memory.page_allocator
        before = [list(arena.runs()) for arena in (frames.pool, pages.pool, pages._arenas[1])]
        with frames.allocate(0x300) as free:
            first = free.first_number
        check("frames", frames, first)
        check("pages", pages, 0x900)
        assert [list(arena.runs()) for arena in (frames.pool, pages.pool, pages._arenas[1])] == before
    """)


def test_before_boot_each_function_says_so(kernel):
    kernel.exec("""
        import memory
        memory.system._system = memory.system._Nothing()
        for call in (memory.allocate_pages, memory.allocate_frames, lambda n: memory.frame_allocator):
            try:
                call(1)
                print("no error")
            except memory.NotInitialized as error:
                assert "memory" in error.args[0]
    """)


STORM = """
import memory
from memory import runs
pool = memory.page_allocator.pool
start = list(pool.runs()), runs.owners_of(pool.tree)
class Keeper:
    pass
keeper = Keeper()
keeper.rounds = 0
def storm():
    from memory import allocate_pages
    while True:
        owner = allocate_pages(1)
        owner.drop()
        keeper.rounds += 1
"""


def test_ctrl_c_at_any_moment_leaves_the_tree_whole(kernel):
    kernel.exec(STORM)
    for round_number in range(25):
        kernel.transport.exec_raw_no_follow("storm()")
        time.sleep(0.02 + 0.003 * round_number)
        kernel.guest.console.send(b"\x03")
        _, error = kernel.transport.follow(10)
        assert b"KeyboardInterrupt" in error
    assert kernel.eval("keeper.rounds") > 100
    # At most the page whose owner the interrupt took from the loop's hand is still allocated, once per round.
    numbers = kernel.eval("[sum(c for _, c, _ in start[0]) - pool.free, runs.owners_of(pool.tree) - start[1]]")
    lost, owners = numbers
    assert lost == owners <= 25
    kernel.exec("free = sum(c for _, c, _ in pool.runs()); assert free == pool.free == runs.total_of(pool.tree)")
