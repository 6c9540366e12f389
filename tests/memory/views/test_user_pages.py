"""SMAP: the kernel touches pages for users where it means to, by a view or by name, and nowhere else. UMIP: ring 3 is
told nothing of the descriptor tables."""

import pytest
from harness import Kernel, depth
from on_target import source

NAMES = """
    import uctypes
    import _cpu, _inject, _memory
    from memory import *
    from faults import PageFault, on_fault, probe
    from paging.user_pages import user_access
    FLAGS = PteFlags().writable(True).user_accessible(True)
    def refusal(call, *arguments):
        try:
            call(*arguments)
        except Exception as error:
            return type(error).__name__, str(error)
    def opened():
        return _cpu.read_flags() & 1 << 18
"""


@pytest.fixture
def users(kernel):
    """A kernel with two pages for users at `at`; nobody may touch them in passing, before or after."""
    kernel.exec(NAMES)
    kernel.exec("u = create_mapping_at(VirtualAddress(0x40000000), 8192, FLAGS)\nat = 0x40000000")
    yield kernel
    assert kernel.eval("opened()") == 0
    assert kernel.eval("probe.access(at).error_code") == 1


def test_both_are_on_where_the_cpu_has_them(kernel):
    kernel.exec("import _cpu, shell.commands")
    assert kernel.eval("[_cpu.read_cr4() >> bit & 1 for bit in (11, 21, 24)]") == [1, 1, 1]
    assert {"SMAP", "UMIP", "PKS"} <= set(kernel.eval("repr(shell.commands.cr())").split())


def test_a_stray_access_is_a_fault_that_names_smap_and_what_to_do(users):
    for call in "_memory.load64, at", "_memory.store64, at, 1", "lambda: uctypes.bytearray_at(at, 8)[0]":
        name, text = users.eval(f"refusal({call})")
        assert name == "PageFault"
        assert ": a user's page, which the kernel keeps off (SMAP); exclusive mapping" in text
        assert "use a view of the mapping, or `with user_access():` (from paging.user_pages import user_access)" in text


def test_every_way_of_a_view_gets_through_and_shuts_behind_itself(users):
    users.exec("""
        import struct
        v = u.as_slice_mut("B", 0, 16)
        v[0] = 1
        v[1:5] = b"abcd"
        v[5:15:3] = bytes((1, 2, 3, 4))
        found = [v[0], bytes(v[1:5]), v[5:15:3], list(v)[:2], v == v, v == bytes(16), v[0:16]]
        v.copy_from(b"0123456789abcdef")
        target = bytearray(16)
        v.copy_to(target)
        found.append(bytes(target))
        v.release()
        w, x = u.as_slice_mut("Q", 0, 2), u.as_slice_mut("Q", 4096, 2)
        x.copy_from(w)
        w[1] = 1 << 63
        found += [x[0], w[1], x == w]
        w.release()
        x.release()
        for code, value in ("h", -2), ("I", 1 << 31), ("d", 0.5), ("e", 0.5):
            y = u.as_slice_mut(code, 0, 4)
            y[1] = value
            found += [y[1], list(y[0:2])[1]]
            y.release()
        try:
            u.as_slice_mut("B", 0, 1)[0] = 256
        except OverflowError:
            pass
        now = opened()
    """)
    digits = b"0123456789abcdef"
    assert users.eval("found[:7]") == [
        1,
        b"abcd",
        bytes((1, 2, 3, 4)),
        [1, 97],
        True,
        False,
        b"\x01abcd\x01\x00\x00\x02\x00\x00\x03\x00\x00\x04\x00",
    ]
    low = int.from_bytes(digits[:8], "little")
    assert users.eval("found[7:11]") == [digits, low, 1 << 63, False]
    assert users.eval("found[11:]") == [-2, -2, 1 << 31, 1 << 31, 0.5, 0.5, 0.5, 0.5]
    assert users.eval("now") == 0


def test_a_struct_is_read_and_written_field_by_field(users):
    users.exec("""
        layout = {"a": uctypes.UINT32 | 0, "b": uctypes.BFUINT8 | 4 | 1 << uctypes.BF_POS | 3 << uctypes.BF_LEN}
        s = u.as_type_mut(layout)
        s.a = 7
        s.b = 5
    """)
    assert users.eval("(s.a, s.b, opened())") == (7, 5, 0)


def test_who_means_it_may_for_as_long_as_it_was_said(users):
    users.exec("""
        seen = []
        with user_access():
            _memory.store64(at, 5)
            with user_access():
                pass
            seen.append((_memory.load64(at), opened() != 0))
        seen.append(opened())
        try:
            with user_access():
                _memory.load64(0x7000_0000)
        except PageFault:
            seen.append(opened())
        try:
            with user_access():
                1 // 0
        except ZeroDivisionError:
            seen.append(opened())
    """)
    assert users.eval("seen") == [(5, True), 0, 0, 0]


def test_ctrl_c_shuts_it(users):
    users.exec(source("interrupted"))
    users.exec("""
        def act():
            with user_access():
                for _ in range(2):
                    pass
        n, found = interrupted(act, opened)
    """)
    assert users.eval("(n > 2, found)") == (True, {0})


def test_each_way_alone_shuts_behind_itself_also_when_it_faults(users):
    """Asked after each: the next one would shut what it finds open."""
    users.exec("""
        from paging import OffsetPageTable
        from paging.protection import address_in_window
        from paging.tlb import flush_all
        v, target = u.as_slice_mut("Q", 0, 2), bytearray(16)
        def store(): v[0] = 1
        def assign(): v[0:2] = [1, 2]
        def copy_in(): v.copy_from(b"0123456789abcdef")
        writes = store, assign, copy_in
        reads = lambda: v[0], lambda: v[0:2], lambda: v.copy_to(target), lambda: list(v), lambda: v == v
        left = []
        for number, act in enumerate(writes + reads):
            act()
            if opened(): left.append(number)
            v[1]
        entry = list(OffsetPageTable().walk(u.start_address))[-1]
        place = address_in_window(entry.table.number) + 8 * entry.index
        value = _memory.load64(place)
        from paging.guard import opens_guard
        store64 = opens_guard(_memory.store64)
        def without(bit, acts):
            store64(place, value & ~bit)
            flush_all()
            told = []
            for act in acts:
                told.append((refusal(act)[0], opened() != 0))
                refusal(lambda: v[1])
            store64(place, value)
            flush_all()
            return told
        read_only, gone = without(2, writes), without(1, reads[:3])
        v.release()
    """)
    assert users.eval("left") == []
    assert users.eval("read_only + gone") == [("PageFault", False)] * 6


def test_a_handler_of_a_views_fault_may_not_touch_them_in_passing(users):
    """The access goes on with what the view meant, once the handler has mapped the page."""
    users.exec("""
        u.as_slice_mut("Q", 4096, 1)[0] = 9
        word = u.flags
        seen = []
        def answer(fault):
            seen.append((opened(), refusal(_memory.load64, at)[0]))
            u.remap(FLAGS)
            return True
        u.remap(PteFlags().user_accessible(True))
        handler = on_fault(u.range, answer)
        told = refusal(_memory.store64, at + 4096, 10)
        handler.cancel()
        with user_access():
            handler = on_fault(u.range, answer)
            u.remap(PteFlags().user_accessible(True))
            _memory.store64(at + 4096, 11)
            handler.cancel()
            seen.append(opened() != 0)
        found = u.as_slice("Q", 4096, 1)[0]
    """)
    assert users.eval("(told[0], found)") == ("PageFault", 11)
    assert users.eval("seen") == [(0, "PageFault"), (0, "PageFault"), True]


def test_commands_mean_what_they_name(users):
    users.exec("from shell.commands import hexdump, peek, poke, stale")
    users.exec("written = poke(at, 0x1234)")
    assert users.eval("(peek(at).values, hexdump(at, 16).data[:2])") == ([0x1234], b"\x34\x12")
    assert users.eval("stale(at).is_stale") is False


def test_a_page_for_users_is_found_behind_whatever_lies_before_it(users):
    """Entry by entry, so that the largest length costs what the tables do; no byte too many, none too few."""
    users.exec("""
        from faults.working_set import access_of
        from paging.user_pages import NOTHING, access_to
        def opens(first, length): return access_to(access_of(None), first, length) is not NOTHING
    """)
    assert users.eval("[opens(*it) for it in ((at, 1), (at + 4096, 1), (at - 8, 9), (0, at + 1), (at + 8191, 1))]") == (
        [True] * 5
    )
    assert users.eval("[opens(*it) for it in ((at - 8, 8), (0, at), (at + 8192, 1 << 63), (at, 0))]") == [False] * 4
    assert users.eval("[opens(0, 1 << bits) for bits in (40, 52, 64)]") == [True] * 3
    assert users.eval(f"opens({depth.WINDOW}, 1 << 64)") is False


UMIP_CODE = {
    "sgdt": b"\x0f\x01\x07",
    "sidt": b"\x0f\x01\x0f",
    "sldt": b"\x0f\x00\xc0",
    "smsw": b"\x0f\x01\xe0",
    "str": b"\x0f\x00\xc8",
}


def test_ring_3_is_told_nothing_of_the_descriptor_tables(users):
    """Each of the five is a general protection fault in ring 3, and none any more without CR4.UMIP."""
    users.exec(f"""
        code = {UMIP_CODE!r}
        def outcomes():
            found = {{}}
            for name, bytes_of in code.items():
                u.remap(FLAGS)
                u.as_slice_mut("B", 0, 6).copy_from(bytes_of + b"\\xcc" * (6 - len(bytes_of)))
                u.remap(PteFlags().user_accessible(True).executable(True))
                found[name] = probe.access(at, probe.EXECUTE, user=True).vector
            return found
        with_it = outcomes()
        _cpu.write_cr4(_cpu.read_cr4() & ~(1 << 11))
        without = outcomes()
        _cpu.write_cr4(_cpu.read_cr4() | 1 << 11)
    """)
    assert users.eval("with_it") == dict.fromkeys(UMIP_CODE, 13)
    assert 13 not in users.eval("without").values()
    users.exec("u.remap(FLAGS)")


def test_a_cpu_without_smap_needs_none_of_it(boot):
    guest = boot(cpu="qemu64")
    guest.console.expect("> $", 15)
    kernel = Kernel(guest)
    kernel.exec(NAMES)
    kernel.exec("u = create_mapping_at(VirtualAddress(0x40000000), 8192, FLAGS)\nat = 0x40000000")
    kernel.exec("u.as_slice_mut('Q')[0] = 3\nwith user_access(): seen = _memory.load64(at), opened()")
    assert kernel.eval("(seen, _memory.load64(at), _cpu.read_cr4() >> 21 & 1)") == ((3, 0), 3, 0)
