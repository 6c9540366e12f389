"""A file in memory: what is read is what it has, what is written gets there at sync() and drop(), or stays out."""

import hashlib
import random
import re

import pytest
from harness import BOOT_TIMEOUT_S, Kernel

PAGE = 4096
SIZE = 5 * PAGE + 123
COUNTED = '"".join(["%08d" % number for number in range({0} // 8 + 1)]).encode()[:{0}]'
CONTENT = eval(COUNTED.format(SIZE))


@pytest.fixture
def filed(swapped):
    """A kernel with a file on its RAM disk that ends inside its sixth page."""
    swapped.exec(f"""
        import hashlib
        def digest(content): return hashlib.sha256(content).digest()
        def content(): return open('data', 'rb').read()
        file = open('data', 'wb')
        file.write({COUNTED.format(SIZE)})
        file.close()
        del file
        """)
    yield swapped
    swapped.exec("import os\nif 'm' in globals() and m: m.drop(write_back=False)\nos.remove('data')")


def digest(content):
    """Return the SHA-256 of bytes, which is quicker to fetch than they are."""
    return hashlib.sha256(content).digest()


def changed(content, *changes):
    """Return bytes with (place, bytes) put into them."""
    made = bytearray(content)
    for place, new in changes:
        made[place : place + len(new)] = new
    return bytes(made)


def test_a_file_is_read_as_it_is_and_ends_in_zeros(filed):
    filed.exec("m = map_file('data', frames=2)")
    assert filed.eval("(len(m.memory), digest(m.memory))") == (SIZE, digest(CONTENT))
    filed.exec("last = uctypes.bytearray_at((m.range.last_number << 12), PAGE_SIZE)")
    assert filed.eval(f"bytes(last[{SIZE % PAGE}:])") == bytes(PAGE - SIZE % PAGE)
    assert filed.eval("len(m.resident)") == 2


def test_a_shared_mapping_is_written_back_at_sync_and_at_drop(filed):
    changes = (3, b"abc"), (2 * PAGE - 2, b"over two pages"), (SIZE - 4, b"last")
    filed.exec("m = map_file('data', frames=8)")
    for place, new in changes[:2]:
        filed.exec(f"m.memory[{place}:{place + len(new)}] = {new!r}")
    assert filed.eval("digest(content())") == digest(CONTENT), "not before"
    filed.exec("m.sync()")
    assert filed.eval("digest(content())") == digest(changed(CONTENT, *changes[:2]))
    assert filed.eval("(m.dirty(), m.stored)") == ([], 3)
    place, new = changes[2]
    filed.exec(f"m.memory[{place}:{place + len(new)}] = {new!r}; m.drop()")
    assert filed.eval("(digest(content()), m.stored)") == (digest(changed(CONTENT, *changes)), 4)


@pytest.mark.parametrize("end", ["m.sync(); m.drop()", "m.drop()", "m.drop(write_back=False)"])
def test_a_private_mapping_never_writes_to_the_file(filed, end):
    filed.exec("m = map_file('data', private=True, frames=2)")
    filed.exec("for page in range(6): m.memory[page * PAGE_SIZE + 5] = page + 200")
    assert filed.eval("[m.memory[page * PAGE_SIZE + 5] for page in range(6)]") == [200, 201, 202, 203, 204, 205]
    private = changed(CONTENT, *((page * PAGE + 5, bytes([page + 200])) for page in range(6)))
    assert filed.eval("digest(m.memory)") == digest(private)
    filed.exec(end)
    assert filed.eval("digest(content())") == digest(CONTENT)


def test_a_private_mapping_reads_ahead_around_its_own_pages(filed):
    """A run of pages comes from both: what was written, and the file."""
    filed.exec("""
        from replacement.files import FileStore, PrivateStore
        store = PrivateStore(FileStore('data'))
        for page in 0, 2, 3: store.write(page, bytes([page + 1]) * PAGE_SIZE)
        room = bytearray(6 * PAGE_SIZE)
        store.read(0, room)
        """)
    expected = changed(CONTENT + bytes(6 * PAGE - SIZE), *((p * PAGE, bytes([p + 1]) * PAGE) for p in (0, 2, 3)))
    assert filed.eval("digest(room)") == digest(expected)
    filed.exec("store.close()")


def test_what_is_behind_the_end_of_a_shorter_file_is_an_error_by_name(filed):
    filed.exec("m = map_file('data', frames=2); m.memory[0] = 9; open('data', 'wb').close()")
    with filed.raises("StoreError", r"page 4 of FileStore\('data', 20603 bytes\), at v0x\w+, can't be read: OSError: "):
        filed.exec("m.memory[4 * PAGE_SIZE]")
    assert filed.eval("(m.memory[0], len(m.dirty()))") == (9, 1)


def test_a_range_for_reading_refuses_to_be_written(filed):
    filed.exec("m = map_file('data', PteFlags())")
    with filed.raises("NotWritable", r"Swapped\(PageRange.*\) is not writable: it is mapped for reading"):
        filed.exec("m.memory[5] = 1")
    assert filed.eval("(m.memory[5], m.faults)") == (CONTENT[5], 1)
    with filed.raises("PageFault", "read-only at P1"):
        filed.exec("m.memory[5] = 1")
    assert filed.eval("m.memory[5]") == CONTENT[5]


def test_what_can_only_be_read_is_mapped_for_reading_or_privately(filed):
    filed.exec("locked = RamStore(2); locked.read_only = True")
    with filed.raises("BadStore", r"RamStore\(.*\) is read-only: map it without writable, or private"):
        filed.exec("map_file(locked, HEAP_FLAGS)")
    filed.exec("m = map_file(locked)")
    with filed.raises("NotWritable"):
        filed.exec("m.memory[0] = 1")
    filed.exec("m.sync(); m.drop(); m = map_file(locked, private=True); m.memory[0] = 1")
    assert filed.eval("(m.memory[0], locked.pages)") == (1, {})


REFUSED = {
    "map_file('nobody')": ("BadStore", "nobody can't be opened: OSError: ENOENT"),
    "map_file('/')": ("BadStore", "/ is a folder"),
    "map_file('empty')": ("BadStore", "empty is empty: there is nothing to map"),
    "map_file(7)": ("TypeError", "file"),
    "map_file('data', frames=0)": ("ValueError", "frames is 0: it must be at least 1"),
    "map_file('data', frames='2')": ("TypeError", "frames: an int expected, not str"),
    "map_file('data', frames=True)": ("TypeError", "frames: an int expected, not bool"),
    "map_file('data', cluster=0)": ("ValueError", "cluster is 0: it must be at least 1"),
    "map_file('data', policy='best')": ("UnknownPolicy", "'best' is no replacement policy: there are .*clock"),
    "map_file('data', policy=None)": ("UnknownPolicy", "None is no replacement policy"),
    "map_file('data', at=VirtualAddress(0x5001))": ("Misaligned", "v0x5001 is not aligned"),
    "map_file('data', at=0x5000)": ("TypeError", ""),
    "map_file('data', at=VirtualAddress(0xffffffff80109000))": ("AddressInUse", "the kernel's image"),
    "map_file('data', at=VirtualAddress(0))": ("OutOfRange|AddressInUse", ""),
    "map_file('data', PteFlags().writable(True).executable(True))": ("WritableExecutable", "by the flags asked for"),
    "Swapped(area, store=FileStore('data'))": ("BadStore", "has 6 pages, which is less than 8"),
    "Swapped(area, store=b'')": ("TypeError", "a store has size_in_pages; bytes has not"),
    "Swapped(PageRange.empty())": ("EmptyRange", ""),
    "Swapped(8)": ("TypeError", "a PageRange expected"),
    "Swapped(area, interval=-1)": ("ValueError", "interval is -1: it must be at least 0"),
}


@pytest.mark.parametrize("call", REFUSED)
def test_what_cannot_be_mapped_is_refused_by_name_and_nothing_is_left(filed, call):
    names, said = REFUSED[call]
    filed.exec("open('empty', 'wb').close()\nfrom faults.handlers import handlers\nfree = frame_allocator.statistics()")
    filed.exec(f"""
        raised = None
        try:
            m = {call}
        except Exception as error:
            raised = type(error).__name__, str(error)
        """)
    name, text = filed.eval("raised")
    assert name in names.split("|")
    assert said == "" or re.search(said, text), text
    assert filed.eval("(handlers(), frame_allocator.statistics().mapped - free.mapped)") == ([], 0)
    filed.exec("open('data', 'r+b').close(); import os; os.remove('empty')")


@pytest.mark.parametrize(
    ("trouble", "raised"), [("_inject.fail_allocation", "MemoryError"), ("_inject.interrupt", "KeyboardInterrupt")]
)
def test_trouble_at_any_point_of_map_file_leaves_nothing(filed, trouble, raised):
    """Either there is a mapping, or there is no handler, and the guard is not held."""
    filed.exec(f"""
        import _critical, _inject
        from faults.handlers import handlers
        map_file("data").drop()  # what is imported by that is there now
        def at_every_point():
            wrong, n, left = [], 1, 0
            while not left:
                m = raised = None
                {trouble}(n)
                try:
                    m = map_file("data", frames=2)
                    left = {trouble}(0)
                    for _ in range(2): pass
                except BaseException as error:
                    left = {trouble}(0)
                    raised = type(error).__name__
                if len(handlers()) != (m is not None) or raised not in (None, {raised!r}) or _critical.depth():
                    wrong.append((n, raised))
                for each in handlers(): each.cancel()
                n += 1
            return n, wrong
        """)
    points, wrong = filed.eval("at_every_point()")
    assert points > 50
    assert wrong == []


@pytest.mark.parametrize("makes", ["map_file('data')", "Swapped(area, frames=2)", "on_fault(area, len)"])
def test_ctrl_c_on_the_way_into_a_with_statement_leaves_nothing(filed, makes):
    """Wherever it comes, nobody but the `with` has what is made there."""
    filed.exec(
        f"""
        import _inject
        from faults import on_fault
        from faults.handlers import handlers
        def at_every_point():
            left_behind, n, left = [], 0, 0
            while not left:
                n += 1
                _inject.interrupt(n)
                try:
                    with {makes}:
                        left = _inject.interrupt(0)
                        for _ in range(2): pass
                except KeyboardInterrupt:
                    _inject.interrupt(0)
                if handlers():
                    left_behind.append(n)
                for each in handlers(): each.cancel()
            return n, left_behind
        {makes}.__exit__(None, None, None)  # what is imported by that is there now
        points, left_behind = at_every_point()
        """,
        timeout=60,
    )
    assert filed.eval("left_behind") == []
    assert filed.eval("points") > 10


def test_mappings_lie_where_nothing_was(filed):
    """Who kept an address of a file that is gone gets a PageFault, and not the next file."""
    filed.exec("m = map_file('data'); old = m.memory; m.drop(); m = map_file('data'); n = map_file('data')")
    with filed.raises("PageFault", "nothing is mapped there"):
        filed.exec("old[0]")
    assert filed.eval("m.range.overlap(n.range)") is None
    filed.exec("n.drop()")
    with filed.raises("UseAfterMove", r"Swapped is dead: consumed by drop\(\)"):
        filed.exec("n.sync()")


@pytest.mark.parametrize("by", ["modules", "files"])
def test_sixteen_megabytes_of_boot_are_read_where_they_lie(boot, tmp_path, by):
    """They would not fit on Python's heap; a boot module takes no frame either, and QEMU's file those it is in."""
    image = random.Random(9).randbytes(16 << 20)
    (tmp_path / "disk").write_bytes(image)
    guest = boot(**{by: (tmp_path / "disk",)})
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S["pvh"])
    kernel = Kernel(guest, timeout=60)
    kernel.exec("import gc, hashlib, os\nfrom memory import frame_allocator\nfrom replacement import map_file")
    kernel.exec("path = '/boot/' + os.listdir('/boot')[0]\nfree = frame_allocator.statistics().free\ngc.collect()")
    kernel.exec("used = gc.mem_alloc(); file = open(path, 'rb'); used = gc.mem_alloc() - used")
    taken = kernel.eval("free - frame_allocator.statistics().free")
    assert taken == (4097 if by == "files" else 0)
    assert kernel.eval("used") < 65536
    assert kernel.eval("hashlib.sha256(memoryview(file)).digest()") == digest(image)
    kernel.exec("m = map_file(path)")
    for place in 0, 5_000_000, len(image) - 9:
        assert kernel.eval(f"bytes(m.memory[{place}:{place + 9}])") == image[place : place + 9]


def test_sixteen_megabytes_through_64_frames(boot, tmp_path):
    """Read whole, written here and there: the machine's hash is the host's."""
    image = bytearray(random.Random(7).randbytes(16 << 20))
    (tmp_path / "disk").write_bytes(image)
    guest = boot(files=(tmp_path / "disk",))
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S["pvh"])
    kernel = Kernel(guest, timeout=60)
    kernel.exec("import hashlib\nfrom memory import verify\nfrom replacement import map_file")
    kernel.exec("m = map_file('/boot/disk', private=True)")
    for place in random.Random(8).sample(range(len(image)), 50):
        image[place] ^= 0xFF
        kernel.exec(f"m.memory[{place}] ^= 255")
    assert kernel.eval("hashlib.sha256(m.memory).digest()") == digest(image)
    assert kernel.eval("(len(m.resident), m.stored > 40, verify().violations)") == (64, True, [])
