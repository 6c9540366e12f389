"""Interrupts reach functions of Python, none is lost, and a soft reset clears who waits for them."""

import time

import pytest
from harness import KernelRaised

SEEN = "from devices.lapic import LocalApic\nfrom time import sleep_ms\nseen = []\nlapic = LocalApic()"
MSI_X_DEVICE = "virtio-net-pci,disable-legacy=on,addr=6,id=card"
COMMON = """
from uctypes import UINT8, UINT16, UINT32
card = find(0x1af4, 0x1041)
registers = card.bar(4).claim("the card's driver").as_type_mut({
    "select": 8 | UINT32, "feature": 12 | UINT32, "config_entry": 16 | UINT16, "status": 20 | UINT8})
interrupt = MessageInterrupt(card, seen.append, 1)
card.master(True)
registers.status = 0
registers.status = 3
registers.select, registers.feature = 1, 1
registers.status = 11
registers.status = 15
registers.config_entry = 1
"""


def wait_until(kernel, condition):
    kernel.exec(f"for _ in range(200):\n    if {condition}: break\n    sleep_ms(10)")
    assert kernel.eval(condition)


@pytest.fixture
def lapic(with_devices):
    kernel = with_devices()
    kernel.exec(SEEN)
    return kernel


def test_a_function_is_called_with_how_many_there_were(lapic):
    """One by one they come at once; what comes while nothing may be called is told in one call: nothing is lost."""
    lapic.exec("v = Vector(seen.append)\nfor _ in range(1000): lapic.interrupt_self(v)")
    assert lapic.eval("sum(seen)") == 1000
    lapic.exec(
        "seen.clear()\nfrom memory.ledger import enter, leave\nenter()\n"
        "for _ in range(300): lapic.interrupt_self(v)\nbefore = list(seen)\nleave()\nx = [0 for _ in range(9)]"
    )
    assert lapic.eval("(before, seen)") == ([], [300])


def test_every_vector_has_its_own_and_there_are_so_many(lapic):
    lapic.exec("seen = []\nvs = [Vector(lambda n, i=i: seen.append((i, n))) for i in range(16)]")
    with lapic.raises("OutOfVectors", match="all 16 vectors"):
        lapic.exec("Vector(print)")
    assert str(lapic.text("__import__('shell.commands').commands.idt()")).count("device, with a handler") == 16
    lapic.exec("for v in reversed(vs): lapic.interrupt_self(v)\nx = [0 for _ in range(99)]")
    assert sorted(lapic.eval("seen")) == [(index, 1) for index in range(16)]
    lapic.exec("old = vs[3].number; vs[3].release(); vs[3].release(); seen.clear(); lapic.interrupt_self(vs[3])")
    lapic.exec("x = [0 for _ in range(99)]; again = Vector(seen.append)")
    assert lapic.eval("(seen, again.number == old)") == ([], True)
    with lapic.raises("TypeError", match="a function expected"):
        lapic.exec("again.release(); Vector(5)")


def test_what_a_handler_raises_is_printed_and_the_next_interrupt_comes(lapic):
    lapic.exec("def fail(count):\n    seen.append(count)\n    raise ValueError('in the handler')\nv = Vector(fail)")
    lapic.exec("lapic.interrupt_self(v)\nx = [0 for _ in range(9)]\nlapic.interrupt_self(v)\nx = [0 for _ in range(9)]")
    assert lapic.eval("seen") == [1, 1]


def test_an_interrupt_amid_a_fault_handler_is_not_forgotten(lapic):
    lapic.exec(
        """
        from faults import on_fault
        from paging.natives import memory as raw
        v, pages, kept = Vector(seen.append), allocate_pages(1), []
        def answer(fault):
            kept.append(get_kernel_mmi_ref().page_table.map_allocated_pages(pages, RW))
            lapic.interrupt_self(v)
            return True
        def act(address=pages.start_address.value):
            raw.load8(address)
            for _ in range(9): pass
            return list(seen)
        with on_fault(pages.range, answer): found = act()
        """
    )
    assert lapic.eval("found") == [1]


def test_ctrl_c_ends_an_endless_handler_and_whoever_was_interrupted(lapic):
    lapic.exec("def endless(count):\n    while True: pass\nv = Vector(endless)\nafterwards = []")
    lapic.start("lapic.interrupt_self(v)\nwhile True: pass\nafterwards.append(1)")
    time.sleep(0.3)
    lapic.interrupt()
    with pytest.raises(KernelRaised, match="KeyboardInterrupt"):
        lapic.finish()
    lapic.exec("v.release(); v = Vector(seen.append); lapic.interrupt_self(v)\nx = [0 for _ in range(9)]")
    assert lapic.eval("(seen, afterwards)") == ([1], [])


def test_an_interrupt_ends_a_sleep_and_the_timer_of_the_apic_brings_one(lapic):
    lapic.exec("t = lapic.after(20_000_000, seen.append)")
    wait_until(lapic, "seen == [1]")
    lapic.exec("t.release(); lapic.drop()")
    assert lapic.eval("memory.verify().violations") == []


def test_a_soft_reset_clears_handlers_and_what_is_waiting(lapic):
    lapic.exec(
        "v = Vector(seen.append); lapic.after(50_000_000, seen.append)\nfrom memory.ledger import enter\n"
        "enter(); lapic.interrupt_self(v)"
    )
    lapic.soft_reset()
    lapic.exec(
        "from devices import *\n"
        + SEEN
        + "\nsleep_ms(100)\nvs = [Vector(seen.append) for _ in range(16)]\nsleep_ms(50)"
    )
    assert lapic.eval("seen") == []
    lapic.exec("lapic.interrupt_self(vs[0])\nx = [0 for _ in range(99)]")
    assert lapic.eval("seen") == [1]


def test_msi_of_edu_adds_up(edu):
    """Each reason that was raised is acknowledged by the driver, and counted."""
    edu.exec("for reason in range(1, 101): edu.interrupt(reason)\nx = [0 for _ in range(99)]")
    assert edu.eval("(edu.interrupts, edu.registers.interrupts)") == (100, 0)
    edu.exec("edu.drop(); edu = Edu(); edu.interrupt(2)\nx = [0 for _ in range(99)]")
    assert edu.eval("edu.interrupts") == 1


def test_msi_x_by_its_table(with_devices):
    """The host plugs a network card in and out, which interrupts because its configuration has changed."""
    kernel = with_devices("-device", MSI_X_DEVICE)
    kernel.exec(SEEN + COMMON)
    for count, link in enumerate(("off", "on", "off"), 1):
        kernel.guest.monitor.human(f"set_link card {link}")
        wait_until(kernel, f"sum(seen) == {count}")
    kernel.exec("interrupt.release()")
    kernel.guest.monitor.human("set_link card on")
    kernel.exec("sleep_ms(100)")
    assert kernel.eval("sum(seen)") == 3
    for arguments, error, words in (
        ("card, print, 99", "NoInterrupts", "entries 0 to"),
        ("functions()[0], print", "NoInterrupts", "neither MSI-X nor MSI"),
        ("card, 7", "TypeError", "a function"),
    ):
        with kernel.raises(error, match=words):
            kernel.exec(f"MessageInterrupt({arguments})")
    kernel.exec("vs = [Vector(print) for _ in range(16)]")


def test_the_timers_of_the_hpet_interrupt_by_messages(with_devices):
    kernel = with_devices("-global", "hpet.msi=on")
    kernel.exec(SEEN + "\nfrom devices.hpet import Hpet\nhpet = Hpet(); start = hpet.now()")
    kernel.exec("v = hpet.after(30_000_000, lambda count: seen.append(hpet.now() - start), 1)")
    wait_until(kernel, "len(seen) == 1")
    assert kernel.eval("seen[0]") >= 30_000_000
    with kernel.raises("NoSuchDevice", match="timer 9: the HPET has 3"):
        kernel.exec("hpet.after(1, print, 9)")
    kernel.exec("v.release(); hpet.drop(); Hpet().drop()")


@pytest.mark.bochs
def test_bochs_interrupts_by_its_apic_and_has_an_hpet(bochs_kernel):
    """Its timers can't interrupt by messages, which is refused by name. What was given back can be had again."""
    bochs_kernel.exec("import memory\nfrom devices import *\n" + SEEN + "\nv = Vector(seen.append)")
    bochs_kernel.exec("for _ in range(10): lapic.interrupt_self(v)\nx = [0 for _ in range(99)]")
    assert bochs_kernel.eval("sum(seen)") == 10
    bochs_kernel.exec("seen.clear(); t = lapic.after(100_000, seen.append)")
    wait_until(bochs_kernel, "seen == [1]")
    bochs_kernel.exec("from devices.hpet import Hpet\nh = Hpet(); a = h.now(); sleep_ms(20); b = h.now()")
    assert bochs_kernel.eval("(hex(lapic.registers.version & 0xff), h.timers, b > a)") == ("0x14", 3, True)
    with bochs_kernel.raises("AddressInUse"):
        bochs_kernel.exec("Hpet()")
    with bochs_kernel.raises("NoInterrupts", match="timer 1 can't interrupt by messages"):
        bochs_kernel.exec("h.after(1000, print, 1)")
    with bochs_kernel.raises("NoSuchDevice", match="timer 3: the HPET has 3"):
        bochs_kernel.exec("h.after(1000, print, 3)")
    bochs_kernel.exec(
        "lapic.registers.timer_count = 0; r = lapic.after(1 << 31, seen.append); first = lapic.registers.timer_now"
    )
    assert bochs_kernel.eval("0 < lapic.registers.timer_now < first")
    bochs_kernel.exec("seen.clear(); v.release(); lapic.interrupt_self(v); x = [0 for _ in range(99)]")
    bochs_kernel.exec("r.release(); t.release(); h.drop(); lapic.drop()")
    bochs_kernel.exec("h, lapic = Hpet(), LocalApic(); w = Vector(seen.append); lapic.interrupt_self(w)")
    assert bochs_kernel.eval("[seen, [0 for _ in range(9)]][0]") == [1]
    bochs_kernel.exec("w.release(); h.drop(); lapic.drop()")
    assert bochs_kernel.eval("memory.verify().violations") == []
