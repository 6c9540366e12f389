"""What Python is told once of how this machine pages: levels, what the window shows, bits that must be 0."""

import pytest
from harness import Kernel

FRAME_NUMBER_BITS = 40


def test_the_levels_are_those_that_cr4_says(kernel):
    cr4 = kernel.guest.monitor.registers()["CR4"]
    assert kernel.eval("__import__('_cpu').paging_levels()") == (5 if cr4 >> 12 & 1 else 4)


@pytest.mark.parametrize("memory", ["256M", "6G"])
def test_the_window_ends_where_it_says(boot, memory):
    kernel = Kernel(boot(memory=memory))
    kernel.exec("""
        import _boot
        from faults import probe
        pages = _boot.window_pages()
        end = (_boot.layout()['WINDOW_PAGE'] + pages) << 12
        usable = max(end for start, end, kind in _boot.memory_map() if kind == 1)
        """)
    assert kernel.eval("pages << 12 >= usable")
    assert kernel.eval("[probe.access(end - 8).ok, probe.access(end).ok]") == [True, False]


@pytest.mark.parametrize(("cpu", "bits"), [("qemu64", 40), ("max", 40), ("qemu64,phys-bits=36", 36)])
def test_frames_beyond_the_cpu_are_reserved(boot, cpu, bits):
    kernel = Kernel(boot(cpu=cpu))
    assert kernel.eval("__import__('_cpu').physical_bits()") == bits
    kernel.exec("from paging.access import reserved_high_bits")
    assert kernel.eval("reserved_high_bits()") == (1 << 20) - (1 << bits - 32)


def test_what_the_layout_compiles_in_is_what_the_mode_says(kernel):
    kernel.exec("import _boot\nfrom memory_structs.mode import page_of_root_entry\nlayout = _boot.layout()")
    assert kernel.eval("page_of_root_entry(layout['WINDOW_ROOT_INDEX']) == layout['WINDOW_PAGE']")
    last = kernel.eval("page_of_root_entry(layout['KERNEL_ROOT_INDEX'])")
    assert kernel.eval("layout['KERNEL_PAGE']") >= last
