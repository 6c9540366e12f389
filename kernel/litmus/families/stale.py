"""What was flushed on one processor is remembered on another."""

TEXT = """
test stale-read-after-remap
# The other processor may go on with the frame that its TLB remembers, for as long as it likes.
# "Propagation of Paging-Structure Changes to Multiple Processors"
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed; invlpg x; write y 1
cpu 1: r1 = read y; r2 = read x
may: r1 = 1 and r2 = 1
never: r2 = fault

test stale-read-after-unmap
# What is unmapped can still be read there.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> nothing; invlpg x; write y 1
cpu 1: r1 = read y; r2 = read x
may: r1 = 1 and r2 = 1

test stale-write-after-unmap
# And written: so a frame may not be used again before all have forgotten it. "Delayed Invalidation"
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> nothing; invlpg x; write y 1
cpu 1: r1 = read y; w1 = write x 5
may: r1 = 1 and w1 = ok and a = 5

test stale-write-to-old-frame
# A write that reaches the old frame after the page leads elsewhere.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b writable accessed dirty; invlpg x; write y 1
cpu 1: r1 = read y; w1 = write x 5
may: r1 = 1 and a = 5
never: a = 5 and b = 5

test stale-write-after-protect
# Read-only by the entry, and still written: no fault tells it.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a accessed dirty; invlpg x; write y 1
cpu 1: r1 = read y; w1 = write x 5
may: r1 = 1 and w1 = ok
may: r1 = 1 and w1 = fault

test stale-page-of-two
# Pages are remembered one by one: of two that changed, one may be new and the other old.
start: x -> a accessed; y -> a accessed; a = 1; b = 2
cpu 0: x -> b accessed; y -> b accessed
cpu 1: r1 = read x; r2 = read y; r3 = read y
may: r1 = 2 and r2 = 1
may: r1 = 1 and r2 = 2

test stale-until-flushed-by-itself
# INVLPG on the other processor itself makes it look anew.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed; write y 1
cpu 1: r1 = read y; invlpg x; r2 = read x
never: r1 = 1 and r2 = 1

test stale-flushed-too-early
# A flush before the entry has changed is no flush of the old one: it may be remembered anew at once.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed; write y 1
cpu 1: invlpg x; r1 = read y; r2 = read x
may: r1 = 1 and r2 = 1

test stale-old-after-new
# More than one translation of a page may be remembered, so the old frame can show after the new one.
# "Details of TLB Use"
start: x -> a accessed; a = 1; b = 2
cpu 0: x -> b accessed
cpu 1: r1 = read x; r2 = read x
may: r1 = 2 and r2 = 1
never: r1 = fault
"""
