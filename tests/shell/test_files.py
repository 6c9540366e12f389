"""Files on the RAM disk keep what was written to them, also when nobody closed them."""

import pytest

KEPT = "from gc import collect\ndef fill(name): open(name, 'w').write(name * 300)\n"
WHOLE = "[open('/%d.txt' % n).read() == ('/%d.txt' % n) * 300 for n in range(5)] == [True] * 5"


def test_what_was_written_to_a_forgotten_file_is_there_when_it_is_collected(kernel):
    """The collector closes it, and says nothing: it can't allocate, so neither may the disk."""
    assert kernel.exec(KEPT + "for n in range(5): fill('/%d.txt' % n)\nfor _ in range(9): [0] * 9\ncollect()") == ""
    assert kernel.eval(WHOLE)


HOLDERS = {
    "the user's names": "kept.append(f)",
    "a module of the user's": "import mine; mine.kept = f",
    "a module of the kernel's": "import shell.user; shell.user.kept = f",
    "nobody": "pass",
    "a fault handler": "kept.append(allocate_pages(1)); on_fault(kept[-1].range, lambda fault, f=f: False)",
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_soft_reset_closes_files_that_are_open(kernel, holder):
    """Whoever holds them; and before the file system ends that they lie on."""
    kernel.exec(
        KEPT
        + f"""
from faults import on_fault
from memory import allocate_pages
with open('/mine.py', 'w') as source: pass
kept = []
for n in range(5):
    f = open('/%d.txt' % n, 'w')
    f.write(('/%d.txt' % n) * 300)
    {HOLDERS[holder]}
del f
"""
    )
    kernel.soft_reset()
    assert kernel.eval(WHOLE)
    assert "locked" not in kernel.guest.console.transcript()


def test_a_block_that_is_not_on_the_disk_is_refused(kernel):
    """Nothing behind the disk's memory is read or written, whoever asks."""
    kernel.exec("from loader.disks import RamDisk\nbuffer = bytearray(1024)\ndisk = RamDisk(memoryview(buffer)[:512])")
    for call in ("readblocks", "writeblocks"):
        for block, offset in ((1, 0), (-1, 0), (0, 1), (1 << 40, 0)):
            with kernel.raises("ValueError", match="not on the disk"):
                kernel.exec(f"disk.{call}({block}, bytearray(b'x' * 512), {offset})")
    assert kernel.eval("buffer == bytes(1024)")
    kernel.exec("disk.writeblocks(0, b'y' * 512)")
    assert kernel.eval("buffer == b'y' * 512 + bytes(512)")
