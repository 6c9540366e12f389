"""W^X over the physical window, as the second machine's MMU sees it."""

import pytest
from harness import depth

WINDOW = depth.WINDOW


@pytest.mark.bochs
def test_the_second_machines_mmu_refuses_the_store_too(bochs_kernel):
    """And takes it again when the mapping executes no more; the translation of before is forgotten each time."""
    bochs_kernel.exec(f"""
        import _memory, memory
        from faults import PageFault
        m = memory.create_mapping(8192, memory.PteFlags().writable(True))
        at = ((m.frames()[0].first_number + 1) << 12) + {WINDOW} - (1 << 64)
        def stored(value):
            try: _memory.store64(at, value)
            except PageFault as fault: return fault.error_code.value
            return m.as_slice("Q", 4096, 1)[0]
        found = [stored(1)]
        for flags in memory.PteFlags().executable(True), memory.PteFlags().writable(True):
            m.remap(flags)
            found.append(stored(2))
        m.drop()
        """)
    assert bochs_kernel.eval("(found, memory.verify().violations)") == ([1, 3, 2], [])
