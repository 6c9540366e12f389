"""ACCESSED says that a page may have been looked at: it may be set by a walk for an access that never happens."""

TEXT = """
test accessed-set-by-a-read
# Who reads has set ACCESSED. "Accessed and Dirty Flags"
start: x -> a; a = 1
cpu 0: r1 = read x
cpu 1: r2 = read x
never: r1 = 1 and x not accessed

test accessed-by-nobody
# A page that nobody touches may be accessed all the same: walks can be speculative. "Details of TLB Use"
start: x -> a; y -> b accessed; a = 1; b = 2
cpu 0: r1 = read y
cpu 1: r2 = read y
may: x accessed
may: x not accessed

test accessed-cleared-without-a-flush
# The translation is remembered, so the access does not set ACCESSED again. "Optional Invalidation"
start: x -> a accessed; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: clear x accessed; invlpg x; write y 1
cpu 1: r1 = read y; r2 = read x
may: r1 = 1 and r2 = 1 and x not accessed

test accessed-cleared-and-shot-down
# With a shootdown it is set again: so a working set is measured.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: clear x accessed; shootdown x; write y 1
cpu 1: r1 = read y; r2 = read x
never: r1 = 1 and r2 = 1 and x not accessed

test accessed-lost-by-a-store
# A plain store of an older copy of the entry takes ACCESSED away; the reader is not noticed.
start: x -> a; a = 1
cpu 0: x -> a global
cpu 1: r1 = read x
may: r1 = 1 and x not accessed

test accessed-kept-by-a-locked-and
# A locked AND of other flags keeps it.
start: x -> a global; a = 1
cpu 0: clear x global
cpu 1: r1 = read x
never: x not accessed

test accessed-by-a-fault
# A write that faults need not have set ACCESSED, and may have.
start: x -> a; a = 1
cpu 0: fence
cpu 1: w1 = write x 5
may: x not accessed
may: x accessed
never: w1 = ok
"""
