"""DIRTY says that a write has happened: how it gets lost, and how it does not."""

TEXT = """
test dirty-set-by-a-write
# A write that is done has set DIRTY. "Accessed and Dirty Flags"
start: x -> a writable accessed; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: r1 = read y
cpu 1: w1 = write x 5; write y 1
never: w1 = ok and x not dirty

test dirty-before-the-value
# DIRTY is set before the value can be seen: who sees the value and clears DIRTY has not cleared too early.
start: x -> a writable accessed; y -> a accessed; a = 1
cpu 0: r1 = read y; clear x dirty; r2 = read y
cpu 1: w1 = write x 5
never: r1 = 5 and x dirty

test dirty-lost-by-a-store
# The entry is read, changed and stored back: what the other processor set in between is gone. A whole entry is stored.
start: x -> a writable accessed; a = 1
cpu 0: x -> a writable accessed global
cpu 1: w1 = write x 5
may: a = 5 and x not dirty

test dirty-kept-by-a-locked-and
# A locked change of other flags keeps it. "Automatic Locking"
start: x -> a writable accessed global; a = 1
cpu 0: clear x global
cpu 1: w1 = write x 5
never: a = 5 and x not dirty

test dirty-cleared-without-a-flush
# A processor that remembers the page as dirty does not set DIRTY again: its write is lost for ever.
# "Optional Invalidation"
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: clear x dirty; invlpg x; write y 1
cpu 1: r1 = read y; w1 = write x 5
may: r1 = 1 and w1 = ok and x not dirty

test dirty-cleared-by-its-writer
# On one processor a flush is enough.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: write x 4; clear x dirty; invlpg x; w1 = write x 5
cpu 1: write y 1
never: w1 = ok and x not dirty

test dirty-cleared-and-not-flushed-here
# Without it the second write is not noticed.
start: x -> a writable accessed dirty; y -> c writable accessed dirty; a = 1; c = 0
cpu 0: write x 4; clear x dirty; w1 = write x 5
cpu 1: write y 1
may: w1 = ok and x not dirty

test dirty-not-set-by-reads
# Reading a writable page leaves DIRTY alone.
start: x -> a writable accessed; a = 1
cpu 0: r1 = read x
cpu 1: r2 = read x; r3 = read x
never: x dirty

test dirty-of-what-was-unmapped
# A processor that has only read the page walks again for its first write, and finds it gone: what DIRTY says when
# PRESENT is cleared by a locked AND, is final.
start: x -> a writable accessed; a = 1
cpu 0: clear x present; r1 = read x
cpu 1: r2 = read x; w1 = write x 5
never: w1 = ok and x not dirty
never: w1 = fault and x dirty

test dirty-lost-by-unmapping
# Unmapped by a plain store, DIRTY is lost with the entry: nobody can tell that the frame was written.
start: x -> a writable accessed; a = 1
cpu 0: x -> nothing; invlpg x
cpu 1: w1 = write x 5
may: a = 5 and x not dirty
"""
