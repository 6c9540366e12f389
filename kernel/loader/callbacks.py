"""`callback`: a Python function as an address that machine code can call.

The address is that of a thunk, 8 bytes that call the kernel. By where they lie the kernel knows which callback is
meant, so all pages of thunks say the same and show one frame, which is never writable where it can be run. No address
is used twice: a call of one whose callback is gone is refused by name, for as long as the machine runs.
"""

import struct

from memory import KernelError, PteFlags, SharedFrames, VirtualAddress, create_mapping, get_kernel_mmi_ref
from memory.views.loaded_section import letters_of
from memory.views.views import set_callback_runner
from paging.installations import FORGOTTEN
from paging.natives import cpu, critical, finaliser

THUNK_BYTES = 8
THUNK_SHIFT = 3
THUNKS = 504  # in a page; behind them is what all of them call
NUMBER_BITS = (1 << 52) - 1  # of an address / 8: what the finder of forgotten things takes for a number
NOT_CODE = 0xCC  # int3: nobody runs into what is no thunk unseen
RUN, DEAD = 0, -1

# How a register holds a letter's value, least significant byte first.
FORMATS = {
    "b": "b7x", "B": "B7x", "h": "h6x", "H": "H6x", "i": "i4x", "I": "I4x", "l": "q", "L": "Q", "q": "q", "Q": "Q",
    "f": "f4x", "d": "d",
}  # fmt: skip
BITS = {"b": 8, "h": 16, "i": 32, "l": 64, "q": 64}
FLOATS, INTEGERS = "fd", 6
FIRST_INTEGER, FIRST_FLOAT = 0, 48  # where among the registers


class CallbackGone(KernelError):
    """Machine code called `address`, whose callback was released, or is held by nobody."""

    def __init__(self, address):
        self.address = address
        super().__init__(
            "machine code called %s, where no callback is any more: hold what callback() returned for as long as it"
            " may be called" % (address,)
        )


class BadResult(KernelError):
    """`function` was called by machine code, and what it returned (`value`) is nothing that `letter` can hold."""

    def __init__(self, function, value, letter):
        self.function = function
        self.value = value
        self.letter = letter
        super().__init__("%r returned %r to machine code, which expects %r" % (function, value, letter))


class TableSwitched(KernelError):
    """A callback would go back to machine code under another page table than it was called under."""

    def __init__(self, function):
        self.function = function
        super().__init__("%r switched the page table: switch back before it returns to machine code" % (function,))


class _Pages:
    """The pages of thunks, which stay: `take()` gives an address that nobody had before."""

    def __init__(self):
        self.mapped = []
        self.shared = None
        self.left = 0
        self.next = None  # an address

    def take(self):
        """An address. Raises OutOfPages or OutOfFrames; then nothing has changed."""
        critical.enter()  # who comes in between would get the same one
        try:
            if not self.left:
                self._map_another()
            address = self.next
            self.next, self.left = address + THUNK_BYTES, self.left - 1
            return address
        finally:
            critical.leave()

    def _map_another(self):
        if self.shared is None:
            self.shared = _frame_of_thunks()
        kernel = get_kernel_mmi_ref()
        with kernel.page_allocator.allocate(1) as page:
            self.mapped.append(kernel.page_table.map_shared(page, self.shared, PteFlags().executable(True)))
        self.next, self.left = self.mapped[-1].start_address.value, THUNKS

    def forgotten(self):
        """A callback was forgotten: its address is, too."""


def _frame_of_thunks():
    """The SharedFrames with a page of thunks in it."""
    code = bytearray(bytes((NOT_CODE,)) * 4096)
    end = THUNKS * THUNK_BYTES
    for at in range(0, end, THUNK_BYTES):
        struct.pack_into("<Bi", code, at, 0xE8, end - at - 5)  # call end
    struct.pack_into("<HQBBB", code, end, 0xBB49, set_callback_runner(_run), 0x41, 0xFF, 0xE3)  # mov r11,..; jmp r11
    mapped = create_mapping(4096, PteFlags().writable(True))
    with mapped.as_slice_mut("B") as view:
        view.copy_from(code)
    pages, frames = mapped.unmap_into_parts(keep_contents=True)
    pages.drop()
    return SharedFrames(frames[0])


_pages = _Pages()


class Callback:
    """Having one that is live means: machine code may call `.address`, by which `function` is called.

    Forgotten or released, the address refuses: CallbackGone, raised at whoever called the machine code.
    """

    def __init__(self, function, signature):
        if not callable(function):
            raise TypeError("a function expected, not %s" % type(function).__name__)
        result, letters = letters_of(signature)
        self.function = function
        self.signature = signature
        self.address = address = _pages.take()
        self._state = state = finaliser.new_state(_pages, 1, FORGOTTEN)
        layout, order = _arguments_of(letters)
        state.append((function, layout, order, _result_of(result), result))
        state[RUN] = (address >> THUNK_SHIFT & NUMBER_BITS) << 1

    @property
    def is_live(self):
        return self._state[RUN] != DEAD

    def release(self):
        """The address refuses from now on; again and again does no harm. A call that is under way goes on."""
        self._state[RUN] = DEAD

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):  # a *_ would need memory, and there may be none
        self.release()

    def __repr__(self):
        state = "" if self.is_live else ", released"
        return "Callback(%r, %s at %s%s)" % (self.function, self.signature, VirtualAddress(self.address), state)

    __str__ = __repr__


def callback(function, signature):
    """A Python function as something that machine code can call: a Callback, whose `.address` (an int) it is given.

    The signature is that of `LoadedSection.as_func`. Hold the Callback for as long as the address may be called. What
    the function raises, Ctrl-C too, ends the machine code that called it, and arrives at whoever called that.

    Raises TypeError, ValueError, OutOfPages or OutOfFrames.
    """
    return Callback(function, signature)


def _arguments_of(letters):
    """How `struct` takes the arguments out of the registers, the integers first, and which of these values each
    argument is (None: they are in order)."""
    integers = [place for place, letter in enumerate(letters) if letter not in FLOATS]
    floats = [place for place, letter in enumerate(letters) if letter in FLOATS]
    layout = "<" + "".join([FORMATS[letters[place]] for place in integers])
    if floats:
        layout += "%dx" % (8 * (INTEGERS - len(integers))) + "".join([FORMATS[letters[place]] for place in floats])
    found = integers + floats
    order = [found.index(place) for place in range(len(letters))]
    return layout, None if order == found else order


def _result_of(letter):
    """What the result may be (a tuple of types), what is left of one that fits when it is shifted, and by how much;
    and how and where `struct` puts it. None for no result."""
    if not letter:
        return None
    if letter in FLOATS:
        return (float, int), None, 0, "<" + letter, FIRST_FLOAT
    if letter in BITS:
        return (int, bool), (0, -1), BITS[letter] - 1, "<q", FIRST_INTEGER
    return (int, bool), (0,), BITS[letter.lower()], "<Q", FIRST_INTEGER


def _run(number, registers):
    """What thunks call: port/runtime/callback.c."""
    state = finaliser.state_of(_pages, number & NUMBER_BITS, FORGOTTEN)
    if state is None:
        raise CallbackGone(VirtualAddress(number << THUNK_SHIFT))
    function, layout, order, result, letter = state[-1]
    root = cpu.read_root_frame()
    values = struct.unpack_from(layout, registers)
    value = function(*(values if order is None else [values[place] for place in order]))
    if cpu.read_root_frame() != root:
        raise TableSwitched(function)
    if result is not None:
        types, rests, shift, layout, place = result
        if type(value) not in types or (rests is not None and value >> shift not in rests):
            raise BadResult(function, value, letter)
        struct.pack_into(layout, registers, place, value)
