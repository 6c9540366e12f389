"""Writable and read-only: taking a right away has to be told, giving one may be found out."""

TEXT = """
test give-the-right-to-write
# A remembered read-only translation may fault once more: a spurious fault, after which all is well.
# "Optional Invalidation"
start: x -> a accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a writable accessed dirty; write y 1
cpu 1: r1 = read y; w1 = write x 5
may: r1 = 1 and w1 = fault
may: r1 = 1 and w1 = ok

test give-the-right-with-a-shootdown
# With a shootdown there is no spurious fault.
start: x -> a accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a writable accessed dirty; shootdown x; write y 1
cpu 1: r1 = read y; w1 = write x 5
never: r1 = 1 and w1 = fault

test take-the-right-here-only
# The processor that takes the right away, and flushes, can't write any more.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: write x 5; x -> a accessed dirty; invlpg x; w1 = write x 6
cpu 1: write y 1
never: w1 = ok

test take-the-right-by-a-locked-and
# WRITABLE cleared by a locked AND keeps the DIRTY that another processor sets at that moment.
start: x -> a writable accessed; a = 1
cpu 0: clear x writable; invlpg x
cpu 1: w1 = write x 5
never: w1 = ok and x not dirty
never: w1 = fault and a = 5

test read-only-is-never-dirty
# A write that faults leaves DIRTY and memory alone.
start: x -> a accessed; a = 1
cpu 0: r1 = read x
cpu 1: w1 = write x 5
never: x dirty
never: a = 5

test copy-on-write
# A page is copied: filled, mapped in place of the shared one, shot down. Nobody sees an unfilled copy, or the old one
# after the flag.
start: x -> a accessed; y -> b writable accessed dirty; a = 1; b = 0
cpu 0: write y 7; x -> b writable accessed dirty; shootdown x; r1 = read x
cpu 1: r2 = read x
never: r2 = 0
never: r1 = 1
"""
