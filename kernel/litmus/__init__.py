"""Litmus tests for page tables: what may several processors see while one of them changes an entry?

    text.py       a test as a few lines of text, read
    machine.py    the few instructions that a test is made of, as bytes
    programs.py   what each processor does: rendezvous, acts, what came of them
    runs.py       a test run many times on the processors of this machine
    families/     the tests that have a name; each file is about one idea

A test names entries and memory to begin with, what each processor does, and outcomes that must never be seen:

    test remap-flushed-here-only
    # The other processor may go on with the frame that its TLB remembers.
    start: x -> a writable accessed dirty; a = 1; b = 2
    cpu 0: x -> b writable accessed dirty; invlpg x
    cpu 1: r1 = read x; r2 = read x
    may: r1 = 1 and r2 = 1
    never: r1 = fault

Pages are x and y, frames a to d; a value is what the first word of a frame holds. Acts:

    r1 = read x                   the value, or `fault`
    write x 5                     w1 = write x 5 keeps whether it was `ok` or `fault`
    x -> b writable accessed      a plain store of the entry; x -> nothing unmaps
    clear x dirty accessed        a locked AND of the entry: these flags go, the others stay
    invlpg x                      on this processor
    shootdown x                   the kernel's: flushed here, then on all others, who have answered when it ends
    fence                         MFENCE

`may` says what a processor is allowed to show, `never` what it is not: both are held against a model of the SDM.
"""
