"""From not present to present: nobody remembers what was not there, so nobody has to be told."""

TEXT = """
test map-without-a-flush
# A translation of a page that is not present is never remembered. "Optional Invalidation"
start: x -> nothing; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a accessed; write y 1
cpu 1: r1 = read y; r2 = read x
never: r1 = 1 and r2 = fault

test map-and-use
# The processor that maps a page can use it at once.
start: x -> nothing; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: r1 = read x; x -> a accessed; r2 = read x
cpu 1: write y 1
never: r2 = fault
never: r1 = 1

test map-after-fill
# First the frame, then the entry: who finds the page mapped finds what was put into it.
start: x -> nothing; y -> a writable accessed dirty; a = 0
cpu 0: write y 7; x -> a accessed
cpu 1: r1 = read x
never: r1 = 0

test map-before-fill
# The other way round, an empty frame may show.
start: x -> nothing; y -> a writable accessed dirty; a = 0
cpu 0: x -> a accessed; write y 7
cpu 1: r1 = read x
may: r1 = 0
may: r1 = fault

test map-and-map-again
# Unmapped and mapped elsewhere without a flush in between: the first frame may still show.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> nothing; x -> b accessed; write y 1
cpu 1: r1 = read y; r2 = read x
may: r1 = 1 and r2 = 1
never: r1 = 1 and r2 = fault

test fault-forgets
# A page fault forgets the page on its processor: a second try looks anew.
# "Operations that Invalidate TLBs and Paging-Structure Caches"
start: x -> a accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a writable accessed dirty; write y 1
cpu 1: r1 = read y; w1 = write x 5; w2 = write x 6
may: r1 = 1 and w1 = fault
never: r1 = 1 and w1 = fault and w2 = fault
"""
