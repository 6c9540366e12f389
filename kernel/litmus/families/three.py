"""Three processors: what two others see, and a shootdown that two have to answer."""

TEXT = """
test three-independent-reads
# Two readers agree on the order of two stores. "Memory Ordering": stores are seen in one order by all others.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: r1 = read x; r2 = read y
cpu 1: write x 1; write y 1
cpu 2: r3 = read y; r4 = read x
never: r3 = 1 and r4 = 0

test three-write-to-read
# What one has seen and tells on is seen by the third: memory ordering is transitive.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1
cpu 1: r1 = read x; write y 1
cpu 2: r2 = read y; r3 = read x
never: r1 = 1 and r2 = 1 and r3 = 0

test three-shootdown
# All others have answered: neither goes on with the old frame.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed; shootdown x; write y 1
cpu 1: r1 = read y; r2 = read x
cpu 2: r3 = read y; r4 = read x
never: r1 = 1 and r2 = 1
never: r3 = 1 and r4 = 1

test three-one-is-new-the-other-old
# Without a shootdown each goes its own way.
start: x -> a accessed; a = 1; b = 2
cpu 0: x -> b accessed; invlpg x
cpu 1: r1 = read x
cpu 2: r2 = read x; r3 = read x
may: r1 = 2 and r2 = 1 and r3 = 1
may: r1 = 1 and r2 = 2

test three-flag-passed-on
# The second processor has flushed by itself and tells the third, which has not.
start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0
cpu 0: x -> b accessed
cpu 1: invlpg x; r1 = read x; write y 1
cpu 2: r2 = read y; r3 = read x
may: r1 = 2 and r2 = 1 and r3 = 1
never: r3 = fault

test three-two-dirty-one-clears
# Two writers and one who clears with a shootdown: a write after it is noticed.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: clear x dirty; shootdown x; write y 1
cpu 1: r1 = read y; w1 = write x 5
cpu 2: r2 = read y; w2 = write x 6
never: r1 = 1 and x not dirty
never: r2 = 1 and x not dirty
"""
