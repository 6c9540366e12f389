"""What `walk`, `entries` and `dump` show is there: compared with a host walk over raw RAM, and with QEMU."""

import itertools
import json
import re
import struct

import pytest
from harness import Kernel, depth
from oracle import page_walk

TOUCHED = 0x60
NOWHERE = depth.root_entry(192)
RECURSIVE = (509, 510)
KERNEL_SLOTS = [slot for slot in range(512) if slot not in RECURSIVE]


def leaves(guest):
    """Return the leaves of the live tables, by the host's own walk, without the recursive slots."""
    return list(page_walk.walk(guest.monitor.registers()["CR3"], guest.memory, top_slots=KERNEL_SLOTS))


def addresses_to_try(guest):
    """Return addresses inside the first and last page of every few leaves, and one that leads nowhere."""
    found = leaves(guest)
    chosen = found[:: max(1, len(found) // 20)] + found[-1:]
    return [leaf.va + 0x123 for leaf in chosen] + [NOWHERE]


def test_the_regions_are_all_canonical_addresses_and_none_twice(kernel):
    regions = kernel.eval(
        "[(r.first_page, r.last_page) for r in __import__('diagnostics.regions', None, None, [1]).regions()]"
    )
    half = depth.HALF_BYTES >> 12
    halves = [(0, half - 1), ((1 << 52) - half, (1 << 52) - 1)]
    assert regions[0] == halves[0]
    assert (regions[1][0], regions[-1][1]) == halves[1]
    assert all(first[1] + 1 == then[0] for first, then in itertools.pairwise(regions[1:]))


def test_walk_shows_the_entries_that_lie_in_ram(guest):
    cr3 = guest.monitor.registers()["CR3"]
    for address in addresses_to_try(guest):
        shown = guest.console.command(f"walk {address:#x}")
        raw = [int(word, 16) for word in re.findall(r"^  P\d\S+ +p0x[0-9a-f]+ +0x([0-9a-f]{16})", shown, re.MULTILINE)]
        touched = page_walk.path_to(cr3, guest.memory, address)
        assert [entry & ~0x60 for entry in raw] == [entry & ~0x60 for entry in touched]


def test_the_verdict_of_walk_is_the_oracles(guest):
    cr3 = guest.monitor.registers()["CR3"]
    for address in addresses_to_try(guest):
        verdict = guest.console.command(f"translate {address:#x}").split(" = ", 1)[1]
        leaf = page_walk.translate(cr3, guest.memory, address)
        if leaf is None:
            assert verdict.startswith(f"not mapped: the {depth.ROOT} entry is not present")
            continue
        rights = "r" + "-w"[leaf.writable] + "-x"[leaf.executable] + (" user" if leaf.user else " kernel")
        size = {1: "4K", 2: "2M", 3: "1G"}[leaf.level]
        assert verdict.startswith(f"p{leaf.pa + address - leaf.va:#x} in a {size} page; {rights} ")


def test_dump_in_qemus_style_is_qemus_own_list(guest):
    ours = guest.console.command("dump style=qemu", timeout=60).split("\n")
    theirs = guest.monitor.human("info tlb").split("\n")
    assert len(ours) > 1000
    assert sorted(untouched(ours)) == sorted(untouched(theirs))


def untouched(lines):
    """Return the lines of leaves outside of the recursive slots, without what an access may change (D, A)."""
    kept = [line for line in lines if line and depth.root_index(int(line[:16], 16)) not in RECURSIVE]
    return [line[:-6] + "--" + line[-4:] for line in kept]


def test_dump_as_json_adds_up_to_the_oracles_leaves(guest):
    kernel = Kernel(guest, timeout=30)
    runs = json.loads(kernel.exec("from shell.commands import dump\nprint(dump(style='json'))"))
    pages = {}
    for run in runs:
        step = 512 ** (run["level"] - 1)
        for done in range(0, run["pages"], step):
            pages[int(run["start"], 16) + done * 4096] = (int(run["physical"], 16) + done * 4096, run["rights"])
    expected = {
        leaf.va: (leaf.pa, f"r{'-w'[leaf.writable]}{'-x'[leaf.executable]} {'user' if leaf.user else 'kernel'}")
        for leaf in leaves(guest)
    }
    assert pages == expected


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ("w", lambda leaf: leaf.writable),
        ("x", lambda leaf: leaf.executable),
        ("wx", lambda leaf: leaf.writable and leaf.executable),
        ("user", lambda leaf: leaf.user),
        ("huge", lambda leaf: leaf.level > 1),
        ("x huge", lambda leaf: leaf.executable and leaf.level > 1),
    ],
)
def test_filters_keep_what_they_say(guest, filters, keep):
    shown = guest.console.command(f"dump {filters} style=qemu", timeout=60)
    assert {int(line[:16], 16) for line in shown.split("\n") if line[16:17] == ":"} == {
        leaf.va for leaf in leaves(guest) if keep(leaf)
    }


def test_alias_search_finds_every_address_of_a_frame(guest):
    kernel_page = 0xFFFFFFFF80109000
    physical = page_walk.translate(guest.monitor.registers()["CR3"], guest.memory, kernel_page).pa
    shown = guest.console.command(f"dump alias=p{physical:#x}")
    found = {int(word, 16) for word in re.findall(r"^v0x([0-9a-f]+)-", shown, re.MULTILINE)}
    expected = {leaf.va + physical - leaf.pa for leaf in leaves(guest) if leaf.pa <= physical < leaf.pa + leaf.size}
    assert found == expected
    assert len(found) >= 2


def test_a_range_cuts_the_dump(guest):
    shown = guest.console.command("dump first=0xffffffff80109000 last=0xffffffff8010afff")
    assert shown.split("\n")[1].startswith("v0xffffffff80109000-0xffffffff8010afff  8 KiB")
    assert guest.console.command(f"dump first={NOWHERE:#x} last={NOWHERE + 0xFFF:#x}").startswith("nothing is mapped")


def test_the_default_style_has_a_heading_for_each_part_and_no_line_twice(guest):
    lines = guest.console.command("dump").strip().replace("\n    ", " ").split("\n")  # what is broken is one line
    headings = [line for line in lines if line.startswith("---[")]
    assert "---[ physical window ]---" in headings
    assert "---[ kernel image ]---" in headings
    assert len(lines) == len(set(lines)) < 60


def entries_in(shown):
    """Return {index: raw value} of what `entries` says; `..` stands for all between, each as far from the next."""
    found = {}
    for gap, text, raw in re.findall(r"^(\.\.)?\[(\d+)\] +v0x[0-9a-f]+ +0x([0-9a-f]{16})", shown, re.MULTILINE):
        index, value = int(text), int(raw, 16)
        if gap:
            first, begun = list(found.items())[-1]
            step = (value - begun) // (index - first)
            found.update({place: begun + (place - first) * step for place in range(first + 1, index)})
        found[index] = value
    return {index: value & ~TOUCHED for index, value in found.items()}


def test_entries_lists_the_root_as_it_lies_in_ram(guest):
    root = guest.monitor.registers()["CR3"] & ~0xFFF
    text = guest.console.command("entries")
    raw = [guest.memory.read_entry(root + 8 * index) for index in range(512)]
    assert entries_in(text) == {index: value & ~TOUCHED for index, value in enumerate(raw) if value}
    assert text.count("\n") < 24, "or nobody sees the entries for their number"


@pytest.mark.parametrize(("huge", "level"), [(True, 2), (False, 1)])
def test_entries_that_go_on_are_two_lines_and_others_their_own(guest, huge, level):
    console, memory = guest.console, guest.memory
    console.command("from memory import *; w = PteFlags().writable(True)")
    console.command(f"m = create_mapping(10 << 21, w, huge={huge})")
    start = int(console.command("m.start_address.value"))
    if not huge:
        console.command("a, b = m.split(m.range.start + 5); b, c = b.split(b.range.start + 1); b.remap(PteFlags())")
    table = (
        page_walk.path_to(guest.monitor.registers()["CR3"], memory, start)[depth.LEVELS - 1 - level] & 0xFFFFFFFFFF000
    )
    raw = [memory.read_entry(table + 8 * index) for index in range(512)]
    text = console.command(f"entries {start:#x} {level}")
    assert entries_in(text) == {index: value & ~TOUCHED for index, value in enumerate(raw) if value}
    assert text.count("..[") >= 1
    assert text.count("\n") < 24


def test_entries_lists_any_table_on_the_way(guest):
    shown = guest.console.command("entries 0xffffffff80109000 1")
    path = page_walk.path_to(guest.monitor.registers()["CR3"], guest.memory, 0xFFFFFFFF80109000)
    assert f"frame {path[-2] >> 12 & 0xFFFFF:#x}," in shown
    assert "there is no P1 table" in guest.console.command(f"entries {NOWHERE:#x} 1")


def test_hexdump_shows_the_bytes(guest):
    data = bytes(range(256))
    guest.memory.write(0x300_0000, data)
    shown = guest.console.command("hexdump p0x3000000 256").strip().split("\n")
    assert bytes.fromhex("".join(line[20:59] for line in shown)) == data
    assert shown[4].endswith("@ABCDEFGHIJKLMNO")


def test_idt_and_msr_agree_with_qemu(guest):
    registers = guest.monitor.human("info registers")
    base = re.search(r"IDT=\s+([0-9a-f]+)", registers)[1]
    shown = guest.console.command("idt")
    assert f"v0x{base.lstrip('0')}" in shown
    assert re.search(r"^ +14 .*own, 1 +page fault", shown, re.MULTILINE)
    assert f"0x{guest.monitor.registers()['EFER']:016x}" in guest.console.command("msr")
    assert guest.console.command("msr 0xc0000080") == guest.console.command("msr 0xC000_0080")


def test_each_gate_is_shown_as_it_lies_in_ram(kernel):
    """Only the breakpoint is for ring 3 to call: with any other gate of ring 3 a program could feign an exception."""
    guest = kernel.guest
    registers = guest.monitor.human("info registers")
    base, limit = (int(number, 16) for number in re.search(r"IDT=\s+([0-9a-f]+) ([0-9a-f]+)", registers).groups())
    leaf = page_walk.translate(guest.monitor.registers()["CR3"], guest.memory, base)
    table = guest.memory.read(leaf.pa + base - leaf.va, limit + 1)
    expected = []
    for vector in range((limit + 1) // 16):
        low, selector, stack, kind, middle, high = struct.unpack_from("<HHBBHI", table, vector * 16)
        if kind & 0x80:
            expected.append((vector, low | middle << 16 | high << 32, selector, stack, kind & 15, kind >> 5 & 3))
    kernel.exec("from shell.commands import idt")
    names = ("vector", "handler", "selector", "stack", "kind", "ring")
    assert kernel.eval(f"[tuple([getattr(gate, name) for name in {names}]) for gate in idt().gates]") == expected
    assert {vector: ring for vector, *_, ring in expected if ring} == {3: 3}
    assert len(expected) >= 32
    shown = {
        int(row[0]): int(row[1])
        for row in re.findall(r"^ *(\d+) .*interrupt +(\d)", kernel.text("idt()"), re.MULTILINE)
    }
    assert shown == {vector: ring for vector, *_, ring in expected}


def test_reset_is_ctrl_d(guest):
    guest.console.command("one_of_mine = 1")
    guest.console.sendline("reset")
    assert "soft reboot" in guest.console.wait_for_prompt()
    assert "NameError" in guest.console.command("one_of_mine")
