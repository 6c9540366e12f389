"""Bench rows of typed access: making a view, using it, copying through it, calling code; and what growing costs.

Bounds: a first view 4,000, a checked read 250, a copy of 64 KiB 1.2 times the native one (the row before it).
"""

import uctypes
from loader.callbacks import callback
from memory import LoadedSection, PteFlags, create_mapping

# In rounds of five, so that the loop adds 50 instructions to each and not 260.
ROUNDS = 20
TIMES = 5 * ROUNDS
WRITABLE = PteFlags().writable(True)
LARGE = 65536
ADD = bytes((0x48, 0x8D, 0x04, 0x37, 0xC3))  # lea rax,[rdi+rsi]; ret
CALL = b"\x48\x89\xf8\x48\x89\xf7\x48\x89\xd6\x48\x83\xec\x08\xff\xd0\x48\x83\xc4\x08\xc3"  # rdi(rsi, rdx)


def first_view():
    mappings = [create_mapping(4096, WRITABLE) for _ in range(20)]

    def act(pop=mappings.pop):
        pop().as_slice("B", 0, 16)

    return act


def view_again():
    mapping = create_mapping(4096, WRITABLE)

    def act(as_slice=mapping.as_slice):
        for _ in range(ROUNDS):
            as_slice("B", 0, 16).release()
            as_slice("B", 0, 16).release()
            as_slice("B", 0, 16).release()
            as_slice("B", 0, 16).release()
            as_slice("B", 0, 16).release()

    return act


def read_byte():
    whole = create_mapping(4096, WRITABLE).as_slice("B")

    def act(view=whole):
        for _ in range(ROUNDS):
            view[5]
            view[6]
            view[7]
            view[8]
            view[9]

    return act


def write_byte():
    whole = create_mapping(4096, WRITABLE).as_slice_mut("B")

    def act(view=whole):
        for _ in range(ROUNDS):
            view[5] = 1
            view[5] = 2
            view[5] = 3
            view[5] = 4
            view[5] = 5

    return act


def iterate():
    whole = create_mapping(4096, WRITABLE).as_slice("I", 0, 1000)

    def act(view=whole):
        for _ in view:
            pass

    return act


def struct_fields():
    layout = {"magic": uctypes.UINT32 | 0, "size": uctypes.UINT64 | 8}

    overlay = create_mapping(4096, WRITABLE).as_type_mut(layout)

    def act(struct=overlay):
        for _ in range(TIMES):
            struct.size = struct.magic

    return act


def native_copy():
    """The measure for the two rows behind it: one bytearray to another, a memcpy inside."""
    source, target = memoryview(bytearray(LARGE)), memoryview(bytearray(LARGE))

    def act():
        target[:] = source

    return act


def copy_in():
    source, view = bytearray(LARGE), create_mapping(LARGE, WRITABLE).as_slice_mut("B")
    return lambda: view.copy_from(source)


def copy_out():
    target, view = bytearray(LARGE), create_mapping(LARGE, WRITABLE).as_slice("B")
    return lambda: view.copy_to(target)


def function_of(instructions, signature):
    mapping = create_mapping(4096, WRITABLE)
    with mapping.as_slice_mut("B") as code:
        code[: len(instructions)] = instructions
    mapping.remap(PteFlags().executable(True))
    return LoadedSection("text", mapping).as_func(signature)


def call():
    function = function_of(ADD, "q(qq)")

    def act(add=function):
        for _ in range(ROUNDS):
            add(1, 2)
            add(1, 2)
            add(1, 2)
            add(1, 2)
            add(1, 2)

    return act


def call_back():
    """Python calls machine code, which calls Python: the row before this one is the first half."""
    called, code = callback(lambda a, b: a, "q(qq)"), function_of(CALL, "q(Qqq)")

    def act(function=code, address=called.address, held=called):
        for _ in range(ROUNDS):
            function(address, 1, 2)
            function(address, 1, 2)
            function(address, 1, 2)
            function(address, 1, 2)
            function(address, 1, 2)

    return act


def make_callback():
    def act(make=callback):
        make(act, "q(qq)").release()

    return act


def fill_the_heap():
    """A thousand objects of 1 KiB on a heap of two areas: the holes of the first must not be searched each time."""
    filler = [bytearray(1000) for _ in range(9000)]

    def act():
        return filler and [bytearray(1000) for _ in range(1000)]

    return act


ROWS = (
    ("view: as_slice, the first of a mapping", first_view, 1),
    ("view: as_slice and release", view_again, TIMES),
    ("view: read one byte, checked", read_byte, TIMES),
    ("view: write one byte, checked", write_byte, TIMES),
    ("view: iterate, one element", iterate, 1000),
    ("view: read a field and write another", struct_fields, TIMES),
    ("view: 64 KiB between two bytearrays (memcpy)", native_copy, 1),
    ("view: copy_from 64 KiB", copy_in, 1),
    ("view: copy_to 64 KiB", copy_out, 1),
    ("view: call a native function of two integers", call, TIMES),
    ("callback: machine code calls a Python function of two integers", call_back, TIMES),
    ("callback: make one and release it", make_callback, 1),
    ("heap: one object of 1 KiB in a heap that has grown", fill_the_heap, 1000),
)
