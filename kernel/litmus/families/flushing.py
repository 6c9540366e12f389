"""INVLPG on one processor: which page, and when."""

TEXT = """
test flush-own
# Entry, INVLPG, access: the processor sees what it stored.
# "Operations that Invalidate TLBs and Paging-Structure Caches"
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: r1 = read x; x -> b accessed; invlpg x; r2 = read x
cpu 1: write y 1
never: r2 = 1
never: r2 = fault

test flush-left-out
# Without INVLPG the old frame may show, on the processor that changed the entry, too.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: r1 = read x; x -> b accessed; r2 = read x
cpu 1: write y 1
may: r2 = 1
may: r2 = 2

test flush-of-the-neighbour
# INVLPG of another page does not help.
start: x -> a accessed; y -> c accessed; a = 1; b = 2; c = 0
cpu 0: r1 = read x; x -> b accessed; invlpg y; r2 = read x
cpu 1: r3 = read y
may: r2 = 1

test flush-before-the-store
# INVLPG in front of the store: the old entry may be remembered anew in between.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: invlpg x; r1 = read x; x -> b accessed; r2 = read x
cpu 1: write y 1
may: r2 = 1

test flush-of-a-global-page
# INVLPG forgets global translations, too. "Global Pages"
start: x -> a accessed global; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: r1 = read x; x -> b accessed global; invlpg x; r2 = read x
cpu 1: write y 1
never: r2 = 1

test flush-makes-the-store-visible
# INVLPG is serializing: when it is done, the new entry is in memory for all.
start: x -> nothing; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a accessed; invlpg x; r1 = read y
cpu 1: write y 1; fence; r2 = read x
never: r1 = 0 and r2 = fault

test store-of-an-entry-waits
# The store of an entry is a store: it waits in the buffer like others.
start: x -> nothing; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a accessed; r1 = read y
cpu 1: write y 1; fence; r2 = read x
may: r1 = 0 and r2 = fault

test fence-is-no-flush
# MFENCE orders memory, and forgets nothing.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: r1 = read x; x -> b accessed; fence; r2 = read x
cpu 1: write y 1
may: r2 = 1
"""
