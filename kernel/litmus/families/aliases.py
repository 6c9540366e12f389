"""Two pages that lead to one frame: what is ordered is memory, whatever it is called."""

TEXT = """
test alias-own-store
# A load finds an older store of its processor, by whichever page that went.
# "Memory Ordering": loads are not reordered with older stores to the same location.
start: x -> a writable accessed dirty; y -> a accessed; a = 0
cpu 0: write x 1; r1 = read y
cpu 1: r2 = read y
never: r1 = 0

test alias-read-twice
# Reading by two names does not bring older values back.
start: x -> a writable accessed dirty; y -> a accessed; a = 0
cpu 0: write x 1
cpu 1: r1 = read y; r2 = read x
never: r1 = 1 and r2 = 0

test alias-writes
# Two stores by two names: the later one stays.
start: x -> a writable accessed dirty; y -> a writable accessed dirty; a = 0
cpu 0: write x 1; write y 2
cpu 1: r1 = read x; r2 = read y
never: r1 = 2 and r2 = 1
never: a = 1

test alias-dirty
# DIRTY belongs to the entry that was used, not to the frame. "Accessed and Dirty Flags"
start: x -> a writable accessed; y -> a writable accessed; a = 0
cpu 0: write x 1
cpu 1: r1 = read y
never: y dirty
never: x not dirty

test alias-made
# Both pages lead to one frame once the entry is stored and what was remembered is flushed.
start: x -> a writable accessed dirty; y -> b accessed; a = 0; b = 5
cpu 0: y -> a accessed; invlpg y; write x 1; r1 = read y
cpu 1: r2 = read y
never: r1 = 5
never: r1 = 0
"""
