# A file system for the upstream tests that read files beside them ("data/..."): mounted and entered before them.
# The runner sends `files`, {name: bytes}, first.

import os

import vfs


class RamDisk:
    block_size = 512

    def __init__(self, blocks):
        self.data = bytearray(blocks * self.block_size)

    def readblocks(self, block, buffer):
        start = block * self.block_size
        buffer[:] = memoryview(self.data)[start : start + len(buffer)]

    def writeblocks(self, block, buffer):
        start = block * self.block_size
        self.data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.data) // self.block_size
        if operation == 5:
            return self.block_size
        return 0


disk = RamDisk(100)
vfs.VfsFat.mkfs(disk)
vfs.mount(vfs.VfsFat(disk), "/upstream")
os.chdir("/upstream")
os.mkdir("data")
for name, content in files.items():
    with open("data/" + name, "wb") as file:
        file.write(content)
