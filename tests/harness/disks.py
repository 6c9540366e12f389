"""Disks for machines: their images, how they fail, and QEMU's words for them."""

SECTORS = 4096
SETUP = """
import memory
from memory import *
from devices import *
from devices.disk import Disk, ReadOnlyDisk
from devices.disk_requests import READ, WRITE, DiskError
"""
ERROR = """
[inject-error]
event = "{event}"
errno = "{errno}"
once = "{once}"
{more}
"""


def image(sectors=SECTORS, rest=b""):
    """Return the bytes of sectors that consist of their own number, and what follows them."""
    return b"".join(number.to_bytes(8, "little") * 64 for number in range(sectors)) + rest


def debugged(path, *errors, once="on"):
    """Return the text of a drive, for `words`, that fails in each of these ways: (event, errno, another line)."""
    rules = "".join(ERROR.format(event=event, errno=errno, more=more, once=once) for event, errno, more in errors)
    (path / "blkdebug").write_text(rules)
    return f"format=raw,file=blkdebug:{path}/blkdebug:{{path}},werror=report,rerror=report"


def words(folder, *disks, settings=""):
    """Return QEMU's words for disks: of each the content of its image, which is written into the folder as image0 and
    so on, and the text of its drive, in which {path} is the image; an empty one is a raw image."""
    found = []
    for number, (content, drive) in enumerate(disks):
        path = folder / f"image{number}"
        path.write_bytes(content)
        drive = (drive or "format=raw,file={path}").format(path=path)
        found += ["-drive", f"if=none,id=d{number},{drive}"]
        found += ["-device", f"virtio-blk-pci,drive=d{number},disable-legacy=on{settings}"]
    return tuple(found)
