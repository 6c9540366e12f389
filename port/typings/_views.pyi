"""Checked access to mapped memory. Imported by one module of the kernel.

A Lease stands for a run of mapped pages and its rights until it is ended. Views borrow bytes of it: any number of them
for reading, or one for writing. Each access asks, in C, whether the view was released, the lease was ended, or another
page table is active that does not have the pages. What is refused is raised by the function that set_refuser() was
given.

Elements and fields are loaded and stored by one instruction of their width; those of slices, too, upwards, unless the
mapping is known to be RAM. A device is read before anything is stored that it is the source of.
"""

from collections.abc import Callable, Iterable
from typing import Any

WRITE: int
EXECUTE: int

def set_refuser(refuse: Callable[[str, object, object], None]) -> None:
    """Let refuse(name, of, detail) raise what is refused. A soft reset forgets it.

    Names: ended, released, not_active, bounds, alignment, rights, shared, borrowed, still_borrowed, export, running;
    and raw, which is only asked, before the first raw buffer of a mapping that may be a device's: it may return.
    """

def set_callback_runner(run: Callable[[int, bytearray], None]) -> int:
    """Have run(address / 8, registers) called where a thunk is; returns the address that thunks call.

    A thunk is 8 bytes at a multiple of 8 and begins with `call`; the address is the one behind it. The registers are
    RDI, RSI, RDX, RCX, R8, R9, XMM0 to XMM7, 8 bytes each, only while run() runs; RAX is loaded from the first of them
    afterwards, XMM0 from the seventh. What run() raises ends the machine code. A soft reset forgets it.
    """

def functions_running() -> int:
    """Return how many calls of Functions are not over: more than 0 in a callback, and in the answer to a fault."""

def set_state(record: int, lease: int, length: int) -> None:
    """Say where in the list that lend() is given the record and the lease stand, and how long it is."""

def lend(owner: object, state: list) -> Lease:
    """Return the lease in a MappedPages' state, where set_state() says; make it if it is None.

    It has the pages, rights and table of the live Record; that is marked when the first raw buffer is handed out. If it
    has ended, owner._live() is called, to say what is wrong.
    """

class Lease:
    """Having a live lease means: while a borrow of it lives, end() refuses."""

    owner: object  # kept alive by every view; may be set
    page: int
    pages: int
    rights: int
    is_live: bool
    is_borrowed: bool

    def slice(self, typecode: str, offset: int, count: int | None, writable: bool) -> Slice:
        """Borrow `count` elements from byte `offset` on; None: as many as there are."""

    def overlay(self, extent: tuple[dict, int, int], offset: int, writable: bool) -> Overlay:
        """Borrow a struct, with its fields as attributes: `extent` is what memory.views.layouts.checked() returns."""

    def function(self, result: str, arguments: str, offset: int, section_offset: int, section_length: int) -> Function:
        """Borrow a section to call the code at `offset` in it.

        `result` is a letter or empty, `arguments` at most 6 letters of integers and 8 of floats. The caller has checked
        that, that the offset is in the section, and that the mapping is executable and not writable.
        """

    def borrows(self) -> list[View]:
        """Return the views that hold a borrow, newest first."""

    def end(self, by: str) -> None:
        """End the lease. Refused while a borrow lives that a collection does not find forgotten."""

    def revoke(self, by: str) -> None:
        """End the lease and all borrows: every view is stale. Allocates nothing. Refused while code of it runs."""

class View:
    """What slices, overlays and functions share. In an overlay, fields hide these names."""

    offset: int
    size_in_bytes: int
    page: int
    writable: bool
    is_live: bool
    owner: object
    def release(self) -> None:
        """End the borrow, also of the view that this one is a part of. Again and again does no harm.

        Refused for a function that runs."""

    def __enter__(self) -> View: ...
    def __exit__(self, *exception: object) -> None: ...

class Slice(View):
    """Elements of one type. Slices of it are copies: bytes for 'B', a list for 'e', else an array."""

    typecode: str
    itemsize: int
    def __len__(self) -> int: ...
    def __getitem__(self, index: int | slice) -> Any: ...
    def __setitem__(self, index: int | slice, value: Any) -> None:
        """Store one element, or as many as the slice has. Everything is converted before anything is stored.

        OverflowError for what does not fit; ValueError for another number of elements.
        """

    def __iter__(self) -> Iterable[Any]: ...
    def copy_from(self, source: Any, offset: int = 0) -> None:
        """Store all elements of a view, buffer or iterable, beginning with element `offset`. ValueError if there is
        no room."""

    def copy_to(self, target: Any, offset: int = 0) -> None:
        """Fill a writable view or buffer with elements, beginning with element `offset`. ValueError if there are too
        few."""

class Overlay(View):
    """A struct: fields are attributes; nested structs are overlays, arrays are slices, under the same borrow."""

class Function(View):
    """Machine code: integers in registers, floats in others, by the System V ABI. A fault in it is raised to the
    caller."""

    address: int
    def __call__(self, *arguments: int | float) -> int | float | None: ...
