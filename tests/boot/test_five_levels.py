"""How many levels of page tables a machine has is chosen when it is switched on, whatever loads the kernel."""

import machine
import pytest
from harness import BOOT_TIMEOUT_S, Kernel
from oracle import page_walk

LA57 = 1 << 12
WITHOUT = "clew: this CPU has no LA57, so there are four levels of page tables, not five"
WRONG = "clew: cannot boot: opt/clew-paging must be 4 or 5, the levels of page tables"
FOUR, FIVE = "paging  4 levels of tables, 48-bit addresses", "paging  5 levels of tables, 57-bit addresses"


def said_by(guest, path="pvh"):
    """Wait for a guest's prompt; return the lines that it printed before."""
    return [line.rstrip() for line in guest.console.wait_for_prompt(BOOT_TIMEOUT_S[path]).splitlines()]


@pytest.mark.parametrize("path", ["pvh", "iso", "uefi"])
def test_five_levels_by_every_loader(boot, path):
    guest = boot(boot=path, paging=5)
    assert FIVE in said_by(guest, path)
    assert guest.monitor.registers()["CR4"] & LA57
    kernel = Kernel(guest)
    assert kernel.eval("__import__('memory').verify().violations") == []
    kernel.soft_reset()
    assert kernel.eval("(__import__('_cpu').paging_levels(), __import__('memory').verify().violations)") == (5, [])


def test_four_unless_five_are_asked_for(boot):
    guest = boot(paging=4)
    assert FOUR in said_by(guest)
    assert not guest.monitor.registers()["CR4"] & LA57


@pytest.mark.parametrize("cpu", ["qemu64", "max,la57=off", "max,level=6"])
def test_a_cpu_without_them_says_so_and_has_four(boot, cpu):
    guest = boot(cpu=cpu, paging=5)
    lines = said_by(guest)
    assert lines[0] == WITHOUT
    assert FOUR in lines
    assert WITHOUT in guest.log()


@pytest.mark.parametrize("value", ["3", "6", "", "55", "5 "])
def test_what_is_no_number_of_levels_is_refused(boot, tmp_path, value):
    (tmp_path / "paging").write_text(value)
    guest = boot(paging=4, extra=("-fw_cfg", f"name={machine.PAGING_FILE},file={tmp_path / 'paging'}"))
    guest.expect_exit(35)
    assert guest.console.transcript().strip() == guest.log().strip() == WRONG


def test_what_the_kernel_runs_on_is_there_once(boot):
    """No frame of its image is seen at more than two addresses: where it is linked, or is code, and in the window."""
    guest = boot(paging=5)
    said_by(guest)
    kernel = Kernel(guest)
    first, end = kernel.eval("__import__('_boot').image_range()")
    slots = [slot for slot in range(512) if slot not in (509, 510)]
    leaves = list(page_walk.walk(guest.monitor.registers()["CR3"], guest.memory, top_slots=slots))
    seen = {}
    for leaf in leaves:
        for pa in range(max(leaf.pa, first), min(leaf.pa + leaf.size, end), 4096):
            seen.setdefault(pa, []).append(leaf.va + pa - leaf.pa)
    window = 0xFF00_0000_0000_0000
    assert len(seen) > 1000
    assert all(len(places) <= 3 and places[0] - pa == window for pa, places in seen.items())
    assert {place >> 48 for places in seen.values() for place in places[1:]} == {0xFFFF}
    assert {leaf.va >> 48 for leaf in leaves} == {0xFF00, 0xFF80, 0xFFFF}


def test_other_processors_come_up_in_the_mode_in_force(boot):
    guest = boot(processors=2, paging=5)
    said_by(guest)
    kernel = Kernel(guest)
    kernel.exec("""
        from memory import *
        from processors import processor
        ap = processor(1)
        m = create_mapping_at(VirtualAddress(0x00ff_0000_0000_0000), 4096, PteFlags().writable(True))
        ap.write(m.start_address, 0x57)
        """)
    assert kernel.eval("ap.read(m.start_address)") == 0x57
    assert guest.monitor.registers(cpu=1)["CR4"] & LA57
    kernel.exec("start = m.start_address; m.drop()")
    with kernel.raises("PageFault", "not present at P5"):
        kernel.exec("ap.read(start)")
