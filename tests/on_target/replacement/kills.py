# Whole pages with numbers, through few frames, to a disk; each sync() that returned is told to the log. For ever.
import struct

from devices.disk import Disk
from paging.natives import console
from replacement import map_file

with map_file(Disk(), frames=FRAMES, cluster=1) as mapped:
    memory, seed, version = mapped.memory, SEED, 0
    while True:
        seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
        version += 1
        page = (seed >> 8) % PAGES
        memory[page << 12 : page + 1 << 12] = struct.pack("<II", page, version) * 512
        if (seed >> 20) % 16 == 0:
            mapped.sync()
            console.log("synced %d\n" % version)
