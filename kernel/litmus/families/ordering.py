"""Loads and stores through pages that nobody changes: what total store order leaves and what it takes."""

TEXT = """
test store-buffering
# Each store waits in its processor's buffer while the load behind it is done already.
# "Memory Ordering": loads may be reordered with older stores to different locations.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; r1 = read y
cpu 1: write y 1; r2 = read x
may: r1 = 0 and r2 = 0

test store-buffering+fences
# MFENCE empties the buffer before anything else is done.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; fence; r1 = read y
cpu 1: write y 1; fence; r2 = read x
never: r1 = 0 and r2 = 0

test store-buffering+one-fence
# One fence is not enough: the other processor's store may still wait.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; fence; r1 = read y
cpu 1: write y 1; r2 = read x
may: r1 = 0 and r2 = 0

test store-buffering+invlpg
# INVLPG is a serializing instruction, so it empties the buffer as MFENCE does. "Serializing Instructions"
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; invlpg x; r1 = read y
cpu 1: write y 1; invlpg y; r2 = read x
never: r1 = 0 and r2 = 0

test store-buffering+locked
# So does a locked instruction, here on an entry. "Memory Ordering": no reordering with locked instructions.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; clear x global; r1 = read y
cpu 1: write y 1; clear y global; r2 = read x
never: r1 = 0 and r2 = 0

test store-buffering+walks
# Setting ACCESSED and DIRTY is a locked act of the walk, not of the program: nothing promises that it empties the
# buffer. "Automatic Locking"
start: x -> a writable accessed dirty; y -> b writable; a = 0; b = 0
cpu 0: write x 1; r1 = read y
cpu 1: write y 1; fence; r2 = read x
may: r1 = 0 and r2 = 0

test message-passing
# Stores become visible in their order, and loads are done in theirs: who sees the flag sees the message.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; write y 1
cpu 1: r1 = read y; r2 = read x
never: r1 = 1 and r2 = 0

test load-buffering
# A store is never seen before a load in front of it is done.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: r1 = read x; write y 1
cpu 1: r2 = read y; write x 1
never: r1 = 1 and r2 = 1

test two-plus-two-writes
# Each processor's second store can't be overtaken by its first.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; write y 2
cpu 1: write y 1; write x 2
never: a = 1 and b = 1

test same-place-read-twice
# Memory never goes back: a second load does not find the older value.
start: x -> a writable accessed dirty; a = 0
cpu 0: write x 1
cpu 1: r1 = read x; r2 = read x
never: r1 = 1 and r2 = 0

test own-store-forwarded
# A processor sees its own store before others do.
start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0
cpu 0: write x 1; r1 = read x; r2 = read y
cpu 1: write y 1; r3 = read y; r4 = read x
may: r1 = 1 and r2 = 0 and r3 = 1 and r4 = 0
never: r1 = 0
never: r3 = 0
"""
