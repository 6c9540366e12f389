"""Three views of the live tables agree: the oracle's walk over RAM, QEMU's own, and the CPU that runs on them."""

import pytest
from harness import depth
from oracle.page_walk import table_frames, translate, walk
from oracle.qemu import letters_of, lines_of_qemu

RECURSIVE_SLOTS = (509, 510)


@pytest.fixture
def stopped(kernel):
    """A machine at the prompt, held still so that its tables don't change while two read them."""
    kernel.guest.monitor.stop()
    yield kernel.guest
    kernel.guest.monitor.resume()


def root_of(guest):
    """Return the CR3 of a machine."""
    return guest.monitor.registers()["CR3"]


def test_qemu_lists_the_same_leaves_with_the_same_bits(stopped):
    ours = [(leaf.va, leaf.pa, letters_of(leaf)) for leaf in walk(root_of(stopped), stopped.memory)]
    assert ours == list(lines_of_qemu(stopped))
    assert len(ours) > 10


def test_qemu_translates_every_leaf_alike(stopped):
    root = root_of(stopped)
    for leaf in list(walk(root, stopped.memory))[::7]:
        inside = leaf.va + leaf.size // 2 + 5
        assert stopped.monitor.human(f"gva2gpa {inside:#x}").split() == ["gpa:", hex(leaf.pa + leaf.size // 2 + 5)]
        assert translate(root, stopped.memory, inside) == leaf


def test_the_kernel_runs_on_tables_that_lie_in_ram(stopped):
    frames = table_frames(root_of(stopped), stopped.memory)
    assert all(stopped.memory.is_ram(frame, 4096) for frame in frames)
    assert max(frames.values()) == depth.LEVELS


def test_nothing_of_the_kernel_is_malformed_or_open_to_users(stopped):
    slots = [slot for slot in range(512) if slot not in RECURSIVE_SLOTS]
    for leaf in walk(root_of(stopped), stopped.memory, top_slots=slots):
        assert not leaf.malformed
        assert not (leaf.user and leaf.va >= 1 << 63)


def test_what_the_host_writes_behind_a_leaf_is_what_the_kernel_reads(kernel):
    guest = kernel.guest
    kernel.exec("import uctypes\ntext = bytearray(b'before')")
    address = kernel.eval("uctypes.addressof(text)") & (1 << 64) - 1
    leaf = translate(root_of(guest), guest.memory, address)
    guest.memory.write(leaf.pa + address - leaf.va, b"after!")
    assert kernel.eval("bytes(text)") == b"after!"
