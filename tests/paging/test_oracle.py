"""After random sequences on the live tables, three views agree on every address and right, and so does the CPU.

The kernel's own answers, a walk over guest RAM that shares no code with it (tests/oracle), and QEMU's MMU; on Bochs
its debugger's. Then truth by access: what is said to be mapped can be read and written, what is not faults.
"""

import os
import random
import re
import signal
from pathlib import Path

import machine
import pytest
from harness import Kernel, depth
from on_target import source
from oracle import page_walk
from oracle.qemu import letters_of, lines_of_qemu

PAGE = 4096
SLOTS = (40, 41)
FIRST, LAST = depth.root_entry(40), depth.root_entry(42) - 1
ACTS = 120

SETUP = """
import memory
owned = own_frames(400)
frames = Frames(owned)
frames.free = frames.free[128:]
data = owned.end.number - 127  # the last 128 frames are data
mapper = OffsetPageTable()
native = __import__("_memory")
BASE = page_of_root_entry(40)
def attempt(call, *arguments):
    try:
        token = call(*arguments)
        token = token[-1] if type(token) is tuple else token
        if isinstance(token, MapperFlush):
            token.flush()
    except KernelError as error:
        pass
def pages(start, count):
    return PageRange.from_numbers(BASE + start, BASE + start + count - 1)
from paging.user_pages import user_access  # pages for users are among them, and this means to touch them
def load(address):
    with user_access(): return refused(native.load64, address) is None
def store(address):
    with user_access(): return refused(native.store64, address, 0x1234) is None
def value_at(address):
    with user_access(): return native.load64(address)
from paging.guard import opens_guard
for n in range(128):
    opens_guard(native.store64)((LAYOUT["WINDOW_PAGE"] + data + n) << 12, 0xabc000 + n)
"""
FLAGS = ["P", "PW", "PW | NX", "P | U", "PW | U | NX", "P | G | NX", "PW | PteFlagsX86_64.CACHE_DISABLE",
         "PW | PteFlagsX86_64.PAT", "P | PteFlagsX86_64.WRITE_THROUGH | PteFlagsX86_64.EXCLUSIVE"]  # fmt: skip


def starts(chance):
    """Return where something begins: near the ends of tables of every level, or anywhere among a few."""
    edge = chance.choice([0, 512, 1 << 18, (1 << 18) + 512, depth.ROOT_ENTRY_PAGES, (1 << 28) - 512])
    return max(0, min(edge + chance.choice([-3, -1, 0, 1, 5, 300]), 2 * depth.ROOT_ENTRY_PAGES - 1025))


def act(chance):
    """Return one random operation as the kernel's Python; about half of them are refused."""
    flags, start = chance.choice(FLAGS), starts(chance)
    count = chance.choice([1, 2, 7, 100, 511, 513, 1024])
    huge, giant = start & ~511, start & ~0x3FFFF
    return chance.choice(
        [
            f"mapper.map_to, Page(BASE + {start}), Frame(data + {start % 128}), {flags}, frames",
            f"mapper.map_to, Page(BASE + {start}), Frame(data + {start % 128}), {flags}, frames, {flags} - G - NX - "
            "PteFlagsX86_64.PAT",
            f"mapper.map_range, pages({start % 64}, 64), FrameRange.from_numbers(data, data + 63), {flags}, frames",
            f"mapper.map_to, Page(BASE + {huge}, Page2M), Frame(0x4000, Page2M), {flags}, frames",
            f"mapper.map_to, Page(BASE + {giant}, Page1G), Frame(0x40000, Page1G), {flags}, frames",
            f"mapper.map_range, pages({start}, {count}), FrameRange.from_numbers(0x1000 + {start % 512}, "
            f"0x1000 + {start % 512} + {count - 1}), {flags}, frames",
            f"mapper.unmap_range, pages({start}, {count})",
            f"mapper.unmap, Page(BASE + {start})",
            f"mapper.unmap, Page(BASE + {huge}, Page2M)",
            f"mapper.update_flags_range, pages({start}, {count}), {flags}",
            f"mapper.update_flags, Page(BASE + {huge}, Page2M), {flags}",
            f"mapper.set_parent_flags, Page(BASE + {start}), {chance.randint(2, depth.LEVELS)}, "
            + chance.choice(["P", "PW", "PW | U", "PW | NX"]),
            "mapper.clean_up, frames",
        ]
    )


def runs_of(kernel):
    """Return the kernel's leaves of the region: {address: (physical, size, flag word, effective flag word)}."""
    kernel.exec("found = mapper.translate_range(PageRange.from_numbers(BASE, page_of_root_entry(42) - 1))")
    runs = kernel.eval("[(r.page, r.count, r.frame, r.level, r.word, r.effective) for r in found if r.is_mapped]")
    leaves = {}
    for page, count, frame, level, word, effective in runs:
        step = 512 ** (level - 1)
        for done in range(0, count, step):
            leaves[(page + done) * PAGE] = ((frame + done) * PAGE, step * PAGE, word, effective)
    return leaves


def words_of(leaf):
    """Return what the kernel's two flag words of an oracle's leaf must be, ACCESSED and DIRTY apart."""
    raw = leaf.raw
    word = raw & 0xF9F | raw >> 52 << 12
    if leaf.level == 1 and raw & 0x80:
        word = word & ~0x80 | 1 << 24
    if leaf.level > 1 and raw & 0x1000:
        word |= 1 << 24
    effective = word & ~(0 if leaf.writable else 2) & ~(0 if leaf.user else 4) | (0 if leaf.executable else 1 << 23)
    return word, effective


@pytest.mark.parametrize("seed", range(6))
def test_three_views_agree_after_a_random_sequence(kernel, seed):
    chance = random.Random(seed)
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    for _ in range(ACTS):
        kernel.exec(f"attempt({act(chance)})")
    kernel.exec("mapper.map_range(pages(1 << 26, 16), FrameRange.from_numbers(data, data + 15), PW, frames)")
    guest = kernel.guest
    ours = runs_of(kernel)
    outside = list(page_walk.walk(kernel.eval("cpu.read_cr3()"), guest.memory, top_slots=SLOTS))
    assert len(outside) > 5
    assert {leaf.va: (leaf.pa, leaf.size) for leaf in outside} == {va: found[:2] for va, found in ours.items()}
    for leaf in outside:
        word, effective = ours[leaf.va][2:]
        assert (word & ~0x60, effective & ~0x60) == words_of(leaf), hex(leaf.va)
        assert not leaf.malformed
    theirs = [line for line in lines_of_qemu(guest) if FIRST <= line[0] <= LAST]
    assert theirs == [(leaf.va, leaf.pa, shown(leaf)) for leaf in outside]
    check_addresses(kernel, chance, outside)
    check_accesses(kernel, outside)
    kernel.exec("""
        for run in found:
            if run.is_mapped: mapper.unmap_numbers(run.page, run.count)[1].flush()
        mapper.clean_up(frames)
        """)
    assert kernel.eval("frames.out") == 0
    assert kernel.eval("findings() == HEALTHY")


def shown(leaf):
    """Return the letters of `info tlb`: it shows PAT nowhere, though bit 7 of a 4 KiB page is that."""
    return letters_of(leaf) - ({"P"} if leaf.level == 1 else set())


def check_addresses(kernel, chance, leaves):
    """Compare single translations, of mapped addresses and of others, with QEMU's and the oracle's."""
    chosen = chance.sample(leaves, min(40, len(leaves)))
    addresses = [leaf.va + chance.randrange(leaf.size) for leaf in chosen]
    addresses += [chance.randrange(FIRST, LAST) for _ in range(20)]
    cr3 = kernel.eval("cpu.read_cr3()")
    answers = kernel.eval(f"[mapper.access.physical(address) for address in {addresses}]")
    walks = kernel.eval(f"[[entry.value for entry in mapper.walk(VirtualAddress(a))] for a in {addresses}]")
    for address, answer, walked in zip(addresses, answers, walks, strict=True):
        leaf = page_walk.translate(cr3, kernel.guest.memory, address)
        expected = -1 if leaf is None else leaf.pa + address - leaf.va
        qemu = kernel.guest.monitor.human(f"gva2gpa {address:#x}").strip()
        assert answer == expected
        assert qemu == ("Unmapped" if leaf is None else f"gpa: {expected:#x}")
        assert walked == page_walk.path_to(cr3, kernel.guest.memory, address)


def check_accesses(kernel, leaves):
    """Read and write through the mappings of real data, and beside them."""
    data = kernel.eval("data") * PAGE
    real = [leaf for leaf in leaves if data <= leaf.pa < data + 128 * PAGE][:40]
    mapped = {leaf.va for leaf in leaves if leaf.level == 1}
    assert real
    for leaf in real:
        expected = 0xABC000 + (leaf.pa - data) // PAGE
        kernel.exec(f"opens_guard(native.store64)((LAYOUT['WINDOW_PAGE'] << 12) + {leaf.pa}, {expected})")
        assert kernel.eval(f"value_at({leaf.va})") == expected
        assert kernel.eval(f"store({leaf.va})") == leaf.writable
        assert kernel.guest.memory.read_entry(leaf.pa) == (0x1234 if leaf.writable else expected)
        beside = leaf.va + PAGE
        if page_walk.translate(kernel.eval("cpu.read_cr3()"), kernel.guest.memory, beside) is None:
            assert beside not in mapped
            assert not kernel.eval(f"load({beside})")


QUESTIONS = (0x140000005123, 0x140000201234, 0x140040000000, 0x150000000000)


def bochs_with_questions(boot_bochs, monkeypatch):
    """Boot Bochs so that it answers questions about pages when it is interrupted, and goes on."""
    original = machine.bochs_command

    def command(folder, *arguments, **settings):
        words = original(folder, *arguments, **settings)
        questions = "".join(f"page {address:#x}\n" for address in QUESTIONS)
        (Path(folder) / "debugger").write_text(f"c\n{questions}info tab\nc\nq\n")
        return words + machine.bochs_debugger()

    monkeypatch.setattr(machine, "bochs_command", command)
    guest = boot_bochs()
    guest.console.wait_for_prompt(60)
    return guest


@pytest.mark.bochs
def test_bochs_sees_the_same_pages(boot_bochs, monkeypatch):
    guest = bochs_with_questions(boot_bochs, monkeypatch)
    kernel = Kernel(guest, timeout=30)
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    kernel.exec("""
        mapper.map_to(page_at(0x140000005000), Frame(data), PW | NX | G, frames)
        mapper.map_to(page_at(0x140000200000, Page2M), frame_at(0x40000000, Page2M), P | U, frames, PW | U)
        mapper.map_to(page_at(0x140040000000, Page1G), frame_at(0x80000000, Page1G), PW, frames)
        """)
    assert kernel.eval("native.load64(0x140000005000)") == 0xABC000
    ours = kernel.eval(f"[mapper.access.physical(a) for a in {QUESTIONS}]")
    os.kill(guest.process.pid, signal.SIGINT)
    assert kernel.eval("1 + 1", timeout=30) == 2, "it goes on"
    said = guest.log()
    data = kernel.eval("data") * PAGE
    assert ours == [data + 0x123, 0x40001234, 0x80000000, -1]
    pages = re.findall(r"linear page (0x[0-9a-f]+) maps to physical page (0x[0-9a-f]+)", said)
    assert [(int(va, 16), int(pa, 16)) for va, pa in pages] == [
        (address & -PAGE, answer & -PAGE) for address, answer in zip(QUESTIONS, ours, strict=True) if answer >= 0
    ]
    (leaf,) = [line for line in said.splitlines() if f"{data | 1 << 63 | 0x123:#018x}"[:-3] in line and "PTE" in line]
    assert re.search(r"\bXD\b.*\bG\b.*\bW P\b", leaf)
    lines = re.findall(r"^0x0*14[0-9a-f]+-0x[0-9a-f]+ -> 0x[0-9a-f]+-0x[0-9a-f]+", said, re.MULTILINE)
    ranges = [tuple(int(word, 16) for word in re.findall(r"0x[0-9a-f]+", line)) for line in lines]
    assert ranges == [
        (0x140000005000, 0x140000005FFF, data, data + PAGE - 1),
        (0x140000200000, 0x1400003FFFFF, 0x40000000, 0x401FFFFF),
        (0x140040000000, 0x14007FFFFFFF, 0x80000000, 0xBFFFFFFF),
    ]
