"""After a shootdown nobody goes on with what was: that is all that it is for."""

TEXT = """
test shootdown-remap
# Entry, flush here, all others asked and answered: whoever hears of it later sees the new frame.
# "Propagation of Paging-Structure Changes to Multiple Processors"
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed; shootdown x; write y 1
cpu 1: r1 = read y; r2 = read x
never: r1 = 1 and r2 = 1
never: r2 = fault

test shootdown-unmap
# What is unmapped and shot down faults.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> nothing; shootdown x; write y 1
cpu 1: r1 = read y; r2 = read x
never: r1 = 1 and r2 = 1

test shootdown-protect
# Read-only and shot down: a write faults.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: x -> a accessed dirty; shootdown x; write y 1
cpu 1: r1 = read y; w1 = write x 5
never: r1 = 1 and w1 = ok

test shootdown-then-reuse
# The frame belongs to another page after the shootdown; nobody writes into it by the old one.
start: x -> a writable accessed dirty; y -> b accessed; a = 1; b = 2
cpu 0: x -> nothing; shootdown x; y -> a accessed; invlpg y; r1 = read y; r2 = read y
cpu 1: w1 = write x 5
never: r1 = 1 and r2 = 5
never: w1 = ok and r1 = 1

test reuse-without-shootdown
# The same with a flush here only: a store by the old page arrives in the middle.
start: x -> a writable accessed dirty; y -> b accessed; a = 1; b = 2
cpu 0: x -> nothing; invlpg x; y -> a accessed; invlpg y; r1 = read y; r2 = read y
cpu 1: w1 = write x 5
may: r1 = 1 and r2 = 5

test shootdown-of-the-neighbour
# A request that names another page leaves this one remembered: a range that ends one page short.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed; shootdown y; write y 1
cpu 1: r1 = read y; r2 = read x
may: r1 = 1 and r2 = 1

test shootdown-before-the-store
# Asked too early: the answer was about the old entry.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: shootdown x; x -> b accessed; write y 1
cpu 1: r1 = read y; r2 = read x
may: r1 = 1 and r2 = 1

test shootdown-is-a-fence
# What was stored before a shootdown is visible when it is done, here and on those who answered.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; shootdown x; r1 = read y
cpu 1: write y 1; fence; r2 = read x
never: r1 = 0 and r2 = 0

test shootdown-drains-the-others
# A store by the old page that has been done is in memory when its processor answers.
start: x -> a writable accessed dirty; y -> a accessed; a = 0; b = 0
cpu 0: x -> nothing; shootdown x; r1 = read y; r2 = read y
cpu 1: w1 = write x 5
never: w1 = ok and r1 = 0
never: r1 = 0 and r2 = 5

test shootdown-clean
# DIRTY cleared and shot down: a later write sets it again.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: clear x dirty; shootdown x; write y 1
cpu 1: r1 = read y; w1 = write x 5
never: r1 = 1 and x not dirty

test shootdown-of-a-global-page
# A global page is forgotten like others.
start: x -> a accessed global; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed global; shootdown x; write y 1
cpu 1: r1 = read y; r2 = read x
never: r1 = 1 and r2 = 1

test shootdown-one-by-one
# Two pages, two requests: each is gone when its own is done.
start: x -> a accessed; y -> a accessed; a = 1; b = 2
cpu 0: x -> b accessed; shootdown x; y -> b accessed; shootdown y
cpu 1: r1 = read y; r2 = read x
never: r1 = 2 and r2 = 1
"""
