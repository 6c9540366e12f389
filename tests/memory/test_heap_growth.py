"""Python's heap grows out of mappings: how far, what is refused, what comes back, and that nothing in it is lost."""

import pytest
from harness import Kernel

MIB = 1 << 20


@pytest.fixture
def heap(kernel):
    """A kernel with `heap`, the PythonHeap, and the names of memory."""
    kernel.exec("""
        import gc, memory
        from memory import *
        heap = get_kernel_mmi_ref().heap
        def settle():
            for number in range(3): gc.collect(); [[number] for number in range(500)]
        """)
    return kernel


def test_one_statement_can_hold_64_mib_of_objects(heap):
    """Filled with numbers and read back: nothing overlaps, nothing was collected while it lived."""
    heap.exec("objects = [bytearray(1000) for number in range(65536)]", timeout=60)
    heap.exec(
        "for number, content in enumerate(objects): content[0] = number & 255; content[999] = number >> 8", timeout=60
    )
    heap.exec("gc.collect()", timeout=30)
    heap.exec(
        """
        wrong, zeros = 0, bytearray(998)
        for number, content in enumerate(objects):
            wrong += content[0] != number & 255 or content[999] != number >> 8 or content[1:999] != zeros
        """,
        timeout=60,
    )
    assert heap.eval("(wrong, gc.mem_alloc() > 64 << 20)") == (0, True)
    assert heap.eval("memory.verify().violations", timeout=30) == []


def test_many_small_objects_too(heap):
    """Linked the long way round, so that a collection has to follow every one."""
    heap.exec(
        """
        chain = None
        for number in range(600000): chain = (number, chain)
        gc.collect()
        count, at = 0, chain
        while at is not None:
            assert at[0] == 599999 - count
            count, at = count + 1, at[1]
        """,
        timeout=120,
    )
    assert heap.eval("(count, heap.size_in_bytes > 16 << 20)") == (600000, True)


def test_what_is_larger_than_the_reserve_is_refused_in_words(heap):
    largest = heap.eval("heap.largest_object_in_bytes")
    assert 8 * MIB < largest <= 9 * MIB
    with heap.raises("MemoryError", rf"allocating {64 * MIB} bytes.*reserve holds \d+.*memory\.create_mapping"):
        heap.exec("big = bytearray(64 << 20)")
    with heap.raises("MemoryError", "create_mapping"):
        heap.exec("big = list(range(10)) * (1 << 22)")
    heap.exec(f"big = bytearray({largest}); big[-1] = 5")
    assert heap.eval("(len(big), big[-1], big[0])") == (largest, 5, 0)


def test_a_list_that_doubles_grows_through_several_areas(heap):
    """Reallocation takes the growth hook, too."""
    heap.exec("numbers = []\nfor number in range(900000): numbers.append(number)", timeout=60)
    assert heap.eval("(len(numbers), numbers[0], numbers[-1], sum(numbers[::100000]))") == (
        900000,
        0,
        899999,
        sum(range(0, 900000, 100000)),
    )


def test_what_is_freed_goes_back_to_the_frame_allocator(heap):
    before = heap.eval("memory.frame_allocator.statistics().free")
    heap.exec("objects = [bytearray(1000) for number in range(65000)]", timeout=60)
    assert heap.eval("memory.frame_allocator.statistics().free") < before - (60 * MIB >> 12)
    heap.exec("objects = content = None; settle()", timeout=60)
    heap.exec("settle()")
    assert heap.eval("memory.frame_allocator.statistics().free") > before - (32 * MIB >> 12), heap.text("heap")


def test_frames_that_the_heap_does_not_need_are_there_when_they_are_asked_for(heap):
    """In one statement after another, without a chance for a safe point in between.

    Room in the first area comes first: what runs meanwhile lies there, and in none of the areas that are to go.
    """
    heap.exec(
        """
        def drop_and_take():
            global objects
            objects = None
            before = memory.frame_allocator.statistics().free
            taken = create_mapping((before << 12) + (8 << 20), PteFlags().writable(True))
            return len(taken) - before
        room = [bytearray(1000) for number in range(2000)]
        objects = [bytearray(1000) for number in range(65000)]
        room = None
        gc.collect()
        """,
        timeout=60,
    )
    assert heap.eval("drop_and_take()", timeout=60) == 8 * MIB >> 12


def test_growing_ends_before_the_frames_do(heap):
    """A quarter of RAM is left for mappings however much Python asks for, and Python goes on after the MemoryError."""
    heap.exec(
        """
        total = memory.frame_allocator.statistics().free
        objects = []
        try:
            while True: objects.append(bytearray(200000))
        except MemoryError:
            count = len(objects)
        left = memory.frame_allocator.statistics().free
        mapping = create_mapping(4 << 20, PteFlags().writable(True))
        objects = None
        settle()
        again = [bytearray(1000) for number in range(1000)]
        """,
        timeout=120,
    )
    count, total, left = heap.eval("(count, total, left)")
    assert count * 200000 > 64 * MIB
    assert left > total // 5


def test_a_soft_reset_gives_the_areas_back(heap):
    look = "memory.frame_allocator.statistics().free"
    at_boot = heap.eval(look)
    for _ in range(3):
        heap.exec("objects = [bytearray(1000) for number in range(30000)]", timeout=60)
        heap.soft_reset()
        heap.exec("import memory")
        assert heap.eval(look) == at_boot
        heap.exec("from memory import *")


def test_objects_with_finalisers_in_grown_areas_survive_and_end_well(heap):
    """Files, views and owners beyond the first area; a soft reset runs their finalisers before the tables change."""
    heap.exec(
        """
        filler = [bytearray(1000) for number in range(12000)]
        RW = PteFlags().writable(True)
        files = [open('/file%d' % number, 'w') for number in range(20)]
        for file in files: file.write('x' * 100)
        mappings = [create_mapping(4096, RW) for number in range(50)]
        views = [mapping.as_slice_mut('B') for mapping in mappings]
        for number, view in enumerate(views): view[0] = number
        owners = [allocate_frames(1) for number in range(50)]
        """,
        timeout=60,
    )
    assert heap.eval("[view[0] for view in views] == list(range(50))") is True
    heap.soft_reset()
    heap.exec("import memory, os")
    assert heap.eval("memory.verify().violations") == []
    heap.exec("for number in range(20): os.remove('/file%d' % number)")


def test_a_heap_that_is_three_quarters_full_grows_before_it_is_full(heap):
    """Otherwise a nearly full heap would be collected at every step."""
    heap.exec("live = [bytearray(1000) for number in range(6800)]; gc.collect()", timeout=60)
    assert heap.eval("(heap.size_in_bytes > 8 << 20, gc.mem_free() > 6 << 20)") == (True, True)


def test_with_the_heap_locked_nothing_grows(heap):
    heap.exec("""
        import micropython
        micropython.heap_lock()
        try:
            big = bytearray(100)
        except MemoryError as error:
            text = error
        micropython.heap_unlock()
        """)
    assert heap.eval("str(text)") == "memory allocation failed, heap is locked"


def test_a_small_machine_keeps_a_small_reserve(boot):
    guest = boot(memory="32M")
    guest.console.wait_for_prompt(15)
    kernel = Kernel(guest)
    kernel.exec("import memory, gc; heap = memory.get_kernel_mmi_ref().heap")
    assert kernel.eval("heap.reserve_in_bytes") >= MIB
    with kernel.raises("MemoryError"):
        kernel.exec("objects = []\nwhile True: objects.append(bytearray(10000))", timeout=60)
    kernel.exec("objects = None; gc.collect()")
    assert kernel.eval("memory.verify().violations") == []
