"""What natives do, where nobody but a test looks: masks of interrupts, guards told twice, lines that are too long."""

import pytest


def test_only_the_timer_and_the_serial_port_interrupt(kernel):
    """The masks of the two 8259s: all lines of the second, and all but 0 and 4 of the first."""
    assert kernel.eval("[__import__('_cpu').port_read(port, 8) for port in (0x21, 0xA1)]") == [0xEE, 0xFF]


def test_an_owner_is_put_down_once_however_often_its_guard_is_told(kernel):
    kernel.exec("""
        import _critical, _finaliser
        _critical.enter()       # what is put down stays there, for this to count it
        state = _finaliser.new_state([], 3, 7)
        state[0] = 5 << 1
        for n in range(3): state[4].__del__()
        pending, taken, more = _finaliser.pending(), _finaliser.take(), _finaliser.take()
        _critical.leave()
        """)
    assert kernel.eval("(pending, taken, more)") == (1, ([], 10, 3, 7), None)


@pytest.mark.parametrize("length", [233, 234, 235, 300])
def test_a_line_of_the_log_that_is_too_long_is_cut(kernel, length):
    """256 bytes with the zero that ends it, of which 23 are the log's own words."""
    kernel.exec(f"import _console\n_console.line_failed({length} * 'x')")
    line = f"prompt: a line failed: {length * 'x'}\n"
    assert kernel.guest.log_bytes().endswith(line[:255].encode())


def test_a_stack_of_pythons_has_six_pages_at_least(kernel):
    """Three quarters of it are C's, and of these 16 KiB are kept back."""
    kernel.exec("import _stack\nfrom memory import *\nm = create_mapping(8 * 4096, PteFlags().writable(True))")
    for count in (0, 1, 4, 5):
        with kernel.raises("ValueError"):
            kernel.exec(f"_stack.call(m.start.number, {count}, len, ('abc',))")
    assert kernel.eval("_stack.call(m.start.number, 6, len, ('abc',))") == 3


def test_an_area_that_was_withdrawn_is_no_longer_in_the_reserve(kernel):
    kernel.exec("""
        import _heap
        from memory import *
        m = create_mapping(16 * 4096, PteFlags().writable(True))
        before = _heap.reserved_pages()
        number = _heap.offer(m.start.number, 16)
        seen = [_heap.reserved_pages() - before, _heap.withdraw(number), _heap.reserved_pages() - before]
        seen += [_heap.withdraw(number), _heap.is_taken(number), _heap.offer(m.start.number, 16) == number]
        _heap.withdraw(number)
        """)
    assert kernel.eval("seen") == [16, True, 0, False, False, True]


def test_an_owner_without_a_live_record_lends_nothing(kernel):
    """Owners refuse in words of their own; one that does not is refused all the same."""
    kernel.exec("import _views\nclass Owner:\n    def _live(self): pass")
    with kernel.raises("TypeError", match="a live Record expected"):
        kernel.exec("_views.lend(Owner(), ['drop()', 0, 0, None])")


def test_owners_are_written_into_a_buffer_that_just_holds_them(kernel):
    """To the last one; what does not fit is counted, and left out."""
    kernel.exec("""
        import _finaliser, memory
        kept = [memory.allocate_frames(1) for _ in range(7)]
        count = _finaliser.owned(bytearray(0))
        exact, short = bytearray(32 * count), bytearray(32 * count - 1)
        counts = [_finaliser.owned(buffer) for buffer in (exact, short)]
        """)
    assert kernel.eval("counts == [count, count] and count >= 7")
    assert kernel.eval("(any(exact[-32:]), short[:-31] == exact[:-32], any(short[-31:]))") == (True, True, False)
    kernel.exec("for each in kept: each.drop()")
