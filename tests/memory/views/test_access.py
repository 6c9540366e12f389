"""Views of mapped memory: what is written through one is there, by element and by field, and nothing else is."""

import struct

import pytest
from harness import depth
from oracle.page_walk import translate

TYPECODES = "bBhHiIlLqQfd"
EXTREMES = {
    "b": (-128, 127),
    "B": (0, 255),
    "h": (-(1 << 15), (1 << 15) - 1),
    "H": (0, (1 << 16) - 1),
    "i": (-(1 << 31), (1 << 31) - 1),
    "I": (0, (1 << 32) - 1),
    "l": (-(1 << 63), (1 << 63) - 1),
    "L": (0, (1 << 64) - 1),
    "q": (-(1 << 63), (1 << 63) - 1),
    "Q": (0, (1 << 64) - 1),
    "f": (-1.5, 3.25),
    "d": (-1e300, 0.1),
    "e": (-2.5, 1024.0),
}


def bytes_in_ram(kernel, address, count):
    """Return what RAM holds where the active table leads to, seen from outside of the machine."""
    leaf = translate(kernel.guest.monitor.registers()["CR3"], kernel.guest.memory, address)
    return kernel.guest.memory.read(leaf.pa + address - leaf.va, count)


@pytest.mark.parametrize("code", EXTREMES)
def test_every_typecode_holds_its_extremes_as_the_host_packs_them(memory_kernel, code):
    low, high = EXTREMES[code]
    memory_kernel.exec(f"""
        mp = create_mapping(4096, RW)
        with mp.as_slice_mut({code!r}, 64, 3) as view:
            view[0] = {low!r}; view[1] = {high!r}; view[-1] = 1
            seen = view[0], view[1], view[2], len(view), view.itemsize, view.typecode
        with mp.as_slice('B', 64, 24) as raw: data = raw[:]
        """)
    assert memory_kernel.eval("seen") == (
        low,
        high,
        1,
        3,
        struct.calcsize("=" + code.replace("l", "q").replace("L", "Q")),
        code,
    )
    packed = struct.pack("<3" + code.replace("l", "q").replace("L", "Q"), low, high, 1)
    assert memory_kernel.eval("data")[: len(packed)] == packed
    memory_kernel.exec("mp.drop()")


@pytest.mark.parametrize("code", TYPECODES.replace("f", "").replace("d", ""))
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_stored(memory_kernel, code):
    low, high = EXTREMES[code]
    memory_kernel.exec(f"""
        mp = create_mapping(4096, RW)
        view = mp.as_slice_mut({code!r}, 0, 4)
        def store(value): view[1] = value
        def store_two(value): view[0:2] = [1, value]
        """)
    for value in (low - 1, high + 1, "True", "1.5", "'x'", "None"):
        assert memory_kernel.eval(f"refused(store, {value})") in ("OverflowError", "TypeError")
        assert memory_kernel.eval(f"refused(store_two, {value})") in ("OverflowError", "TypeError")
    assert memory_kernel.eval("list(view)") == [0, 0, 0, 0]


def test_a_view_writes_the_ram_that_the_tables_lead_to(memory_kernel):
    memory_kernel.exec("""
        mp = create_mapping(8192, RW)
        with mp.as_slice_mut('I', 4096, 2) as view: view[0] = 0x11223344; view[1] = 0xdeadbeef
        """)
    address = memory_kernel.eval("mp.start_address.value")
    assert bytes_in_ram(memory_kernel, address + 4096, 8) == bytes.fromhex("44332211efbeadde")


def test_slices_read_copies_and_assign_writes_as_lists_do(memory_kernel):
    memory_kernel.exec("""
        mp = create_mapping(4096, RW)
        view = mp.as_slice_mut('H', 0, 10)
        model = list(range(100, 110))
        view[:] = model
        copy = view[2:5]
        view[2] = 7; model[2] = 7
        """)
    assert memory_kernel.eval("list(copy)") == [102, 103, 104]
    for key in ("1:4", "::2", "::-1", "-3:", "5:2", "9:0:-3", ":", "-100:100"):
        assert memory_kernel.eval(f"list(view[{key}]) == model[{key}]") is True, key
        memory_kernel.exec(f"""
            values = [value + 1000 for value in model[{key}]]
            view[{key}] = values
            for index, value in zip(range(10)[{key}], values): model[index] = value
            """)
        assert memory_kernel.eval("list(view) == model") is True, key
    assert memory_kernel.eval("[value for value in view] == model") is True


def test_bytes_slices_are_bytes_and_views_equal_buffers(memory_kernel):
    memory_kernel.exec("""
        mp = create_mapping(4096, RW)
        view = mp.as_slice_mut('B', 0, 5); view[:] = b'hello'
        """)
    assert memory_kernel.eval("view[1:3]") == b"el"
    assert memory_kernel.eval("(view == b'hello', view == b'hellO', view != b'hello', view == b'hell', view == 5)") == (
        True,
        False,
        False,
        False,
        False,
    )
    assert memory_kernel.eval("mp._live().exported") == 0, "comparing and slicing hand out no raw buffer"


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("view[0:2] = b'abc'", "ValueError"),
        ("view[0:2] = [1]", "ValueError"),
        ("view.copy_from(b'12345', 1)", "ValueError"),
        ("view.copy_from(b'1', 6)", "ValueError"),
        ("view.copy_to(bytearray(6))", "ValueError"),
        ("view.copy_to(bytearray(1), 5)", "ValueError"),
        ("view.copy_to(b'12345')", "TypeError"),
        ("view[5]", "IndexError"),
        ("view[-6]", "IndexError"),
        ("view[1 << 70]", "OverflowError"),
        ("view['a']", "TypeError"),
        ("del view[0]", "TypeError"),
        ("view[0:2] = view16", "TypeError"),
        ("view.nothing", "AttributeError"),
        ("view.writable = True", "AttributeError"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_copied(memory_kernel, statement, error):
    memory_kernel.exec("""
        mp = create_mapping(4096, RW)
        view = mp.as_slice_mut('B', 0, 5); view[:] = b'hello'
        view16 = mp.as_slice('H', 64, 1)
        """)
    with memory_kernel.raises(error):
        memory_kernel.exec(statement)
    assert memory_kernel.eval("view[:]") == b"hello"


def test_copies_go_both_ways_and_overlap(memory_kernel):
    memory_kernel.exec("""
        mp, other = create_mapping(65536, RW), create_mapping(65536, RW)
        data = bytes(range(256)) * 256
        view, target = mp.as_slice_mut('B'), other.as_slice_mut('B')
        view.copy_from(data); back = bytearray(65536); view.copy_to(back)
        target.copy_from(view); there = target[:] == data
        target[100:200] = target[50:150]; shifted = target[100:200] == data[50:150]
        part = bytearray(3); view.copy_to(part, 254)
        """)
    assert memory_kernel.eval("(back == data, there, shifted, bytes(part))") == (True, True, True, b"\xfe\xff\x00")
    memory_kernel.exec("view.release(); words = mp.as_slice_mut('I', 4096, 4); words.copy_from([1, 2, 3, 4])")
    assert memory_kernel.eval("list(words)") == [1, 2, 3, 4]


LAYOUT = """{
    'word': uctypes.UINT32 | 0, 'half': uctypes.INT16 | 4, 'octet': uctypes.UINT8 | 6, 'big': uctypes.UINT64 | 8,
    'real': uctypes.FLOAT64 | 16, 'single': uctypes.FLOAT32 | 24,
    'low': uctypes.BFUINT16 | 28 | 0 << uctypes.BF_POS | 5 << uctypes.BF_LEN,
    'middle': uctypes.BFINT16 | 28 | 5 << uctypes.BF_POS | 6 << uctypes.BF_LEN,
    'bytes': (uctypes.ARRAY | 32, 4 | uctypes.UINT8), 'words': (uctypes.ARRAY | 36, 2 | uctypes.INT32),
    'inner': (48, {'x': uctypes.UINT16 | 0, 'y': uctypes.INT64 | 8}),
    'pairs': (uctypes.ARRAY | 64, 3, {'a': uctypes.UINT8 | 0, 'b': uctypes.UINT16 | 2}),
}"""


def test_a_struct_overlay_reads_and_writes_what_uctypes_would(memory_kernel):
    """MicroPython's own uctypes, on the same bytes in its own heap, is the judge."""
    memory_kernel.exec(f"layout = {LAYOUT}")
    memory_kernel.exec("""
        mp = create_mapping(4096, RW)
        with mp.as_type_mut(layout, 128) as o:
            o.word = 0xdeadbeef; o.half = -2; o.octet = 200; o.big = (1 << 64) - 3; o.real = -0.1; o.single = 2.5
            o.low = 31; o.middle = -32
            o.bytes[:] = b'abcd'; o.words[1] = -7; o.inner.x = 999; o.inner.y = -(1 << 62)
            o.pairs[2].b = 77; o.pairs[0].a = 1
            mine = [o.word, o.half, o.octet, o.big, o.real, o.single, o.low, o.bytes[:], list(o.words), o.inner.x]
            mine += [o.inner.y, o.pairs[2].b]
            middle, length = o.middle, len(o.pairs)
        with mp.as_slice('B', 128, 80) as raw: copy = bytearray(raw[:])
        u = uctypes.struct(uctypes.addressof(copy), layout)
        theirs = [u.word, u.half, u.octet, u.big, u.real, u.single, u.low, bytes(u.bytes), [u.words[0], u.words[1]]]
        theirs += [u.inner.x, u.inner.y, u.pairs[2].b]
        """)
    assert memory_kernel.eval("mine == theirs") is True
    assert memory_kernel.eval("(middle, length, copy[28] | copy[29] << 8)") == (-32, 3, 31 | (32 << 5))


def test_a_class_can_carry_its_layout(memory_kernel):
    memory_kernel.exec("""
        class Header: layout = {'magic': uctypes.UINT32 | 0}
        mp = create_mapping(4096, RW)
        with mp.as_type_mut(Header, 8) as header: header.magic = 5
        """)
    assert memory_kernel.eval("mp.as_slice('I', 8, 1)[0]") == 5


@pytest.mark.parametrize(
    ("layout", "offset", "error"),
    [
        ("{'p': (uctypes.PTR | 0, uctypes.UINT8)}", 0, "TypeError"),
        ("{'p': (uctypes.PTR | 0, {'a': uctypes.UINT8 | 0})}", 0, "TypeError"),
        ("{'n': (0, {'p': (uctypes.PTR | 0, uctypes.UINT8)})}", 0, "TypeError"),
        ("{'a': (uctypes.ARRAY | 0, 2, {'p': (uctypes.PTR | 0, uctypes.UINT8)})}", 0, "TypeError"),
        ("{'a': uctypes.UINT32 | 2}", 0, "ValueError"),
        ("{'n': (2, {'a': uctypes.UINT32 | 0})}", 0, "ValueError"),
        ("{'a': uctypes.UINT32 | 0}", 2, "Misaligned"),
        ("{'a': uctypes.UINT64 | 0}", 4084, "Misaligned"),
        ("{'a': uctypes.UINT32 | 0}", 4096, "OutOfBounds"),
        ("{'a': uctypes.UINT32 | 4092, 'b': uctypes.UINT8 | 4096}", 0, "OutOfBounds"),
        ("{'a': (uctypes.ARRAY | 0, 4097 | uctypes.UINT8)}", 0, "OutOfBounds"),
        ("{'a': (uctypes.ARRAY | 0, 0x7ffffff, {'b': (uctypes.ARRAY | 0, 15 | uctypes.UINT64)})}", 0, "TypeError"),
        ("{'a': uctypes.BFUINT8 | 0 | 6 << uctypes.BF_POS | 3 << uctypes.BF_LEN}", 0, "TypeError"),
        ("{'a': (uctypes.ARRAY | 0, 4, {})}", 0, "TypeError"),
        ("{'a': (uctypes.ARRAY | 0, 4 | uctypes.BFUINT8)}", 0, "TypeError"),
        ("{'a': True}", 0, "TypeError"),
        ("{'a': 'x'}", 0, "TypeError"),
        ("{'a': ()}", 0, "TypeError"),
        ("{'a': (0,)}", 0, "TypeError"),
        ("5", 0, "TypeError"),
        ("None", 0, "TypeError"),
        ("'I'", 0, "TypeError"),
        ("{}", -1, "ValueError"),
    ],
)
def test_a_layout_that_leads_elsewhere_is_refused(memory_kernel, layout, offset, error):
    memory_kernel.exec("mp = create_mapping(4096, RW)")
    assert memory_kernel.eval(f"refused(mp.as_type, {layout}, {offset})") == error
    assert memory_kernel.eval("mp._lend().is_borrowed") is False


@pytest.mark.parametrize(
    ("layout", "field", "value"),
    [
        ("{'a': (uctypes.ARRAY | 0, 1 << 40 | uctypes.UINT8)}", "a", "0x10000000000"),
        ("{'a': (uctypes.ARRAY | 0, 1 << 27 | uctypes.UINT8)}", "a", "0x8000000"),
        ("{'a': (uctypes.ARRAY | 0, 0 | uctypes.UINT8)}", "a", "0x0"),
        ("{'a': (uctypes.ARRAY | 0, -1 << 40 | uctypes.UINT8)}", "a", "-0x10000000000"),
        ("{'a': (uctypes.ARRAY | 0, 1 << 27, {'b': uctypes.UINT8 | 0})}", "a", "0x8000000"),
        ("{'a': (uctypes.ARRAY | 0, 1 << 31, {'b': uctypes.UINT8 | 0})}", "a", "0x80000000"),
        ("{'a': (uctypes.ARRAY | 0, 0, {'b': uctypes.UINT8 | 0})}", "a", "0x0"),
        ("{'a': (uctypes.ARRAY | 0, -1, {'b': uctypes.UINT8 | 0})}", "a", "-0x1"),
        ("{'a': (1 << 31, {'b': uctypes.UINT8 | 0})}", "a", "0x80000000"),
        ("{'a': (1 << 64, {'b': uctypes.UINT8 | 0})}", "a", "0x10000000000000000"),
        ("{'x': uctypes.UINT8 | 0, 'a': uctypes.UINT8 | 1 << 40}", "a", "0x10000000000"),
        ("{'s': (0, {'inner': uctypes.UINT8 | 1 << 31})}", "inner", "0x80000000"),
    ],
)
def test_a_number_that_does_not_fit_is_refused_with_its_field(memory_kernel, layout, field, value):
    """Its upper bits are nobody's: without them the field would be another one, or none at all."""
    memory_kernel.exec("mp = create_mapping(4096, RW)")
    with memory_kernel.raises("ValueError", match=rf"field '{field}': {value} "):
        memory_kernel.exec(f"mp.as_type({layout})")
    assert memory_kernel.eval("mp._lend().is_borrowed") is False


def test_a_layout_that_holds_itself_ends_in_recursion_error(memory_kernel):
    memory_kernel.exec("mp = create_mapping(4096, RW); layout = {}; layout['self'] = (0, layout)")
    assert memory_kernel.eval("refused(mp.as_type, layout)") == "RuntimeError"


def test_a_layout_changed_afterwards_changes_no_view(memory_kernel):
    memory_kernel.exec("""
        mp = create_mapping(4096, RW)
        layout = {'a': uctypes.UINT32 | 0, 's': (0, {'b': uctypes.UINT8 | 0})}
        o = mp.as_type_mut(layout, 4088)
        layout['a'] = uctypes.UINT32 | 4
        o.a = 0x12345678
        before = o.a, o.s.b, o.s.size_in_bytes
        layout['a'] = (uctypes.PTR | 0, uctypes.UINT8)
        layout['s'][1]['b'] = (uctypes.ARRAY | 0, 100 | uctypes.UINT8)
        after = o.a, o.s.b, o.s.size_in_bytes
        raw = mp.as_type({'a': uctypes.UINT32 | 0}, 4092) if o.release() is None else None
        """)
    assert memory_kernel.eval("(before, after, raw.a)") == ((0x12345678, 0x78, 1), (0x12345678, 0x78, 1), 0)


def test_a_fault_in_a_view_arrives_at_its_statement_and_harms_nothing(memory_kernel):
    """Somebody takes a page away behind the owner's back, and puts it back."""
    memory_kernel.exec(f"""
        import _cpu, _memory
        from paging.natives import LAYOUT
        mp = create_mapping(12288, RW)
        view = mp.as_slice_mut('B')
        middle = mp.start_address.value + 4096
        window = (LAYOUT['WINDOW_PAGE'] << 12) - (1 << 64)
        table = _cpu.read_root_frame()
        for level in range({depth.LEVELS}, 0, -1):
            at = window + table * 4096 + (middle >> (12 + 9 * (level - 1)) & 511) * 8
            old = _memory.load64(at)
            table = old >> 12 & 0xffffffffff
        from paging.guard import opens_guard
        store64 = opens_guard(_memory.store64)
        def set_entry(value):
            store64(at, value)
            _cpu.invlpg(middle >> 12)
        set_entry(0)
        def try_all():
            found = []
            acts = [lambda: view[4096], lambda: view[4095:4097], lambda: list(view)]
            acts += [lambda: view.copy_to(bytearray(8192)), lambda: view.copy_from(bytes(8192))]
            for act in acts:
                try: act(); found.append(None)
                except Exception as error: found.append((type(error).__name__, error.address.value))
            return found
        found = try_all()
        set_entry(old)
        """)
    address = memory_kernel.eval("mp.start_address.value") + 4096
    assert memory_kernel.eval("found") == [("PageFault", address)] * 5
    memory_kernel.exec("view[4096] = 9; view.release(); mp.drop()")
