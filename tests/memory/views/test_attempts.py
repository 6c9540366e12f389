"""Attempts to reach outside of a mapping, write what is read-only, run what is not code, outlive it: all refused.

Each row is one attempt through the public interface, and the refusal that it must meet. After each, nothing has
changed: the bytes are as they were, the owner lives, verify() finds nothing.
"""

import pytest
from harness import Kernel, QemuGuest
from on_target import source

# Prepared: `mp`, two writable pages of 'A'; `ro`, a read-only page of 'B'; `rx`, an executable page; `behind`, the page
# after mp, full of 'C'; `stale`, a view whose mapping is gone; `gone`, a mapping that was dropped.
PREPARED = """
    pages = allocate_pages(3)
    low, high = pages.split(pages.start + 2)
    table = get_kernel_mmi_ref().page_table
    mp, behind = table.map_allocated_pages(low, RW), table.map_allocated_pages(high, RW)
    ro, rx, gone = create_mapping(4096, RW), create_mapping(4096, RW), create_mapping(4096, RW)
    for mapping, letter in (mp, b'A'), (behind, b'C'), (ro, b'B'), (rx, bytes([0xc3])):
        with mapping.as_slice_mut('B') as view: view[:] = letter * len(view)
    ro.remap(PteFlags()); rx.remap(RX)
    stale = gone.as_slice('B'); stale.release(); gone.drop()
    section = LoadedSection('text', rx, 64, 128)
    def picture():
        found = []
        for mapping in mp, behind, ro, rx:
            with mapping.as_slice('B') as view: found.append(view[:])
        return found
    before = picture()
    """

ATTEMPTS = [
    # beyond the end, below the beginning, round the end of all numbers
    ("mp.as_slice('B', 8192, 1)", "OutOfBounds"),
    ("mp.as_slice('B', 8191, 2)", "OutOfBounds"),
    ("mp.as_slice('B', 0, 8193)", "OutOfBounds"),
    ("mp.as_slice_mut('Q', 8, 1024)", "OutOfBounds"),
    ("mp.as_slice('B', -1, 1)", "ValueError"),
    ("mp.as_slice('B', 0, -1)", "ValueError"),
    ("mp.as_slice('Q', 0, 1 << 61)", "ValueError"),
    ("mp.as_slice('Q', 8, (1 << 48) - 1)", "OutOfBounds"),
    ("mp.as_slice('B', 1 << 63, 1)", "ValueError"),
    ("mp.as_slice('B', (1 << 48) - 1, 1)", "OutOfBounds"),
    ("mp.as_type({'a': uctypes.UINT8 | 0}, 8192)", "OutOfBounds"),
    ("mp.as_type({'a': uctypes.UINT64 | 8192})", "OutOfBounds"),
    ("mp.as_type({'a': (uctypes.ARRAY | 0, 0x7ffffff | uctypes.UINT64)}, 0)", "OutOfBounds"),
    ("mp.as_slice('B')[8192]", "IndexError"),
    ("mp.as_slice('B')[-8193]", "IndexError"),
    ("mp.as_slice_mut('B').__setitem__(8192, 1)", "AttributeError"),
    ("store(mp.as_slice_mut('B'), 8192, 1)", "IndexError"),
    ("mp.as_slice_mut('B', 4096).copy_from(bytes(4097))", "ValueError"),
    ("mp.as_slice_mut('B').copy_from(bytes(2), 8191)", "ValueError"),
    ("mp.as_slice('B').copy_to(bytearray(8193))", "ValueError"),
    # pointers out
    ("mp.as_type({'p': (uctypes.PTR | 0, uctypes.UINT8)})", "TypeError"),
    ("mp.as_slice('P')", "ValueError"),
    ("mp.as_slice('O')", "ValueError"),
    ("mp.as_slice('S')", "ValueError"),
    ("mp.as_slice('')", "ValueError"),
    ("mp.as_slice('II')", "ValueError"),
    ("mp.as_slice('>I')", "ValueError"),
    ("mp.as_slice(5)", "TypeError"),
    ("mp.as_slice('B', 1.0, 1)", "TypeError"),
    ("mp.as_slice('B', True, 1)", "TypeError"),
    ("mp.as_slice('B', 0, False)", "TypeError"),
    # misaligned
    ("mp.as_slice('H', 1, 1)", "Misaligned"),
    ("mp.as_slice('d', 4, 1)", "Misaligned"),
    ("mp.as_type({'a': uctypes.UINT32 | 0}, 1)", "Misaligned"),
    ("mp.into_borrowed_slice('I', 2, 1)", "Misaligned"),
    # writing what is read-only
    ("ro.as_slice_mut('B')", "NotWritable"),
    ("ro.as_type_mut({'a': uctypes.UINT8 | 0})", "NotWritable"),
    ("ro.into_borrowed_mut({'a': uctypes.UINT8 | 0})", "NotWritable"),
    ("ro.into_borrowed_slice_mut('B')", "NotWritable"),
    ("rx.as_slice_mut('B')", "NotWritable"),
    ("store(ro.as_slice('B'), 0, 1)", "NotWritable"),
    ("store(mp.as_slice('B'), 0, 1)", "NotWritable"),
    ("store(mp.as_slice('B'), slice_of_two, b'xx')", "NotWritable"),
    ("mp.as_slice('B').copy_from(b'x')", "NotWritable"),
    ("ro.as_slice('B').copy_to(mp.as_slice('B', 0, 1))", "NotWritable"),
    ("setattr(mp.as_type({'a': uctypes.UINT8 | 0}), 'a', 1)", "NotWritable"),
    ("setattr(mp.as_type({'a': uctypes.BFUINT8 | 0 | 1 << uctypes.BF_LEN}), 'a', 1)", "NotWritable"),
    ("store(mp.as_type({'a': (uctypes.ARRAY | 0, 4 | uctypes.UINT8)}).a, 0, 1)", "NotWritable"),
    ("setattr(mp.as_type({'s': (0, {'a': uctypes.UINT8 | 0})}).s, 'a', 1)", "NotWritable"),
    ("store(memoryview(mp.as_slice('B')), 0, 1)", "TypeError"),
    ("io.BytesIO(b'zz').readinto(mp.as_slice('B', 0, 2))", "TypeError"),
    # running what is not code, or not only code
    ("LoadedSection('data', mp).as_func('q()')", "NotExecutable"),
    ("LoadedSection('data', ro).as_func('q()')", "NotExecutable"),
    ("section.as_func('q()', 128)", "OutOfBounds"),
    ("section.as_func('q()', -1)", "ValueError"),
    ("LoadedSection('text', rx, 4096, 1)", "OutOfBounds"),
    ("LoadedSection('text', rx, 4000, 97)", "OutOfBounds"),
    ("LoadedSection('text', rx, -1)", "OutOfBounds"),
    ("section.as_func('q')", "ValueError"),
    ("section.as_func('q(')", "ValueError"),
    ("section.as_func('q(P)')", "ValueError"),
    ("section.as_func('q(qqqqqqq)')", "ValueError"),
    ("section.as_func('(ddddddddd)')", "ValueError"),
    ("section.as_func('q(q)')(1.5)", "TypeError"),
    ("section.as_func('q(B)')(256)", "OverflowError"),
    ("section.as_func('q(q)')()", "TypeError"),
    ("mp.remap(PteFlags().writable(True).executable(True))", "WritableExecutable"),
    # outliving
    ("stale[0]", "UseAfterUnmap"),
    ("stale.copy_to(bytearray(1))", "UseAfterUnmap"),
    ("list(stale)", "UseAfterUnmap"),
    ("bytes(stale)", "UseAfterUnmap"),
    ("memoryview(stale)", "UseAfterUnmap"),
    ("gone.as_slice('B')", "UseAfterMove"),
    ("gone.as_type_mut({'a': uctypes.UINT8 | 0})", "UseAfterMove"),
    ("gone.into_borrowed({'a': uctypes.UINT8 | 0})", "UseAfterMove"),
    ("LoadedSection('text', gone)", "UseAfterMove"),
    ("MappedPages().as_slice('B')", "UseAfterMove"),
]


@pytest.fixture(scope="module")
def prepared_kernel():
    """One machine for the whole table: each attempt leaves it as it was."""
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(15)
        kernel = Kernel(guest)
        kernel.exec(source("memory/names"))
        kernel.exec(PREPARED)
        kernel.exec("""
            import io
            slice_of_two = [None]
            class Key:
                def __getitem__(self, key): slice_of_two[0] = key
            Key()[0:2]
            slice_of_two = slice_of_two[0]
            def store(view, key, value): view[key] = value
            def attempt(source):
                try: eval(source)
                except Exception as error: return type(error).__name__, str(error)
                return "nothing", ""
            """)
        yield kernel


@pytest.mark.parametrize(("attempt", "refusal"), ATTEMPTS)
def test_the_attempt_is_refused_and_nothing_has_changed(prepared_kernel, attempt, refusal):
    name, message = prepared_kernel.eval(f"attempt({attempt!r})")
    assert (name, bool(message)) == (refusal, True), f"{name}: {message}"
    prepared_kernel.exec("clutter(); gc.collect()")
    assert prepared_kernel.eval("picture() == before") is True
    assert prepared_kernel.eval("(bool(mp), bool(ro), bool(rx), bool(gone), memory.verify().violations)") == (
        True,
        True,
        True,
        False,
        [],
    )
