"""GLOBAL in the lower half: what one table maps there must not be seen under another.

A GLOBAL translation outlives a reload of CR3, and the lower half is each table's own. So either the bit does not get
into such a leaf, or switching tables makes the CPU forget it.
"""

import on_target
import pytest

FLAGS = "PteFlagsX86_64(WRITE) | G"

SETUP = f"""
one, two = PageTable.new_table(K), PageTable.new_table(K)
low = VirtualAddress(0x600000)
pages = pages_from(at(0x600000), 16)
data = memory.allocate_frames(16)
m = []
answers = [
    refused(lambda: m.append(one.create_mapping_at(low, 16 * 4096, {FLAGS}, False))),
    refused(lambda: OffsetPageTable(root_frame(two)).map_range(pages, data.range, {FLAGS}, tf, largest=Page4K)),
]
for n in range(16): store64(shown(data.start.number + n), 2000 + n)
def seen():
    "What is read there: a number of its owner's, or the name of the fault."
    found = []
    for n in range(16):
        name = refused(lambda: found.append(_memory.load64(low.value + n * 4096)))
        if name != "nothing": found.append(name)
    return found
def before_and_after(switch, target):
    "What is read after going over to `target`, while the CPU may still remember what `one` maps."
    one.switch_to()
    for n in range(16): _memory.store64(low.value + n * 4096, 1000 + n)
    seen()
    switch(target)
    found = seen()
    K.switch_to()
    _cpu.flush_global()
    return found
"""
SWITCHES = {
    "switch_to()": "lambda table: table.switch_to()",
    "Cr3.write()": "lambda table: Cr3.write(root_frame(table))",
}


@pytest.mark.bochs
def test_the_wish_is_refused_or_the_switch_forgets(bochs_kernel):
    """Bochs keeps GLOBAL translations over a reload of CR3, as hardware does: whose bytes are read after a switch?"""
    kernel = bochs_kernel
    kernel.exec(on_target.source("attacks/prelude"))
    kernel.exec(SETUP)
    answers = kernel.eval("answers")
    assert set(answers) in ({"nothing"}, {"ContradictoryFlags"})
    if answers[0] == "nothing":
        for name, switch in SWITCHES.items():
            assert kernel.eval(f"before_and_after({switch}, two)") == [2000 + n for n in range(16)], name
            assert kernel.eval(f"before_and_after({switch}, K)") == ["PageFault"] * 16, name


@pytest.mark.parametrize("flags", ["G", "G | NX | W", "G | U"])
def test_both_layers_treat_the_wish_alike(attacked, flags):
    """create_mapping_at, remap, map_to and update_flags in the lower half: all refuse GLOBAL, or none does."""
    kernel = attacked
    kernel.exec(f"""
        flags = P | NX | {flags}
        mapper = OffsetPageTable()
        m = create_mapping_at(VirtualAddress(LOW), 4096, WRITE)
        mapper.map_to(at(LOW + (1 << 30)), Frame(0xb8), DATA, tf)
        answers = [
            refused(lambda: create_mapping_at(VirtualAddress(LOW + (1 << 31)), 4096, flags).drop()),
            refused(lambda: m.remap(flags)),
            refused(lambda: mapper.update_flags(at(LOW + (1 << 30)), flags).flush()),
            refused(lambda: mapper.map_to(at(LOW + (1 << 30) + 4096), Frame(0xb8), flags, tf)),
        ]
        leaves = [raw(*place(address, 1)) >> 8 & 1 for address in (LOW, LOW + (1 << 30), LOW + (1 << 30) + 4096)]
        """)
    answers, leaves = kernel.eval("(answers, leaves)")
    assert len(set(answers)) == 1, answers
    assert answers[0] in ("nothing", "ContradictoryFlags")
    assert len(set(leaves)) == 1, "GLOBAL is in some leaves of the lower half, and not in others"
    kernel.exec("up = create_mapping(4096, flags - U)")
    assert kernel.eval("raw(*place(up.start_address.value, 1)) >> 8 & 1") == 1, "in the kernel's half GLOBAL is right"
    kernel.exec("m.drop(); up.drop(); m = up = None")
