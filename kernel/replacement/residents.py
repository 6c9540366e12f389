"""The pages of a range that have a frame: how they come, are stored, and go.

Whatever comes in between, Ctrl-C, want of memory, a store that fails, a page is either resident or as it is in the
store, never both or neither:

    storing    dirty bit cleared and flushed -> written to the store; if that fails, the bit is set again. Who writes
               meanwhile sets it once more, so that is seen before the page is unmapped
    loading    until it is filled and resident, a page is unmapped again by whatever goes wrong
"""

import uctypes
from faults import DIRTY
from faults.marks import look, mark
from faults.working_set import sample
from memory import (
    HEAP_FLAGS,
    PAGE_SIZE,
    allocate_frames,
    allocate_pages_at,
    create_mapping_at,
    get_kernel_mmi_ref,
)
from memory.ledger import enter, leave
from paging.flags import NO_EXECUTE, word_for
from paging.guard import opens_guard
from paging.natives import LAYOUT
from paging.numbers import page_of, virtual_address_of
from paging.shootdown import OTHERS, forget, waits

from .bits import Bits
from .chooser import Chooser
from .errors import StoreError, text_of

WINDOW = (LAYOUT["WINDOW_PAGE"] << 12) - (1 << 64)  # negative: so the addresses in there are small ints


def buffer_of(frame, count):
    """The bytes of some frames, as the physical window shows them: using them marks no page of anybody's."""
    return uctypes.bytearray_at(WINDOW + (frame << 12), count << 12)


@opens_guard
def fill(store, offset, frame, count):
    """Have a store read pages from number `offset` of its own on into frames. Raises what it raises."""
    store.read(offset, buffer_of(frame, count))


class Residents:
    """Pages from number `first` on, as they come from a store and go there; `access` is how their tables are seen.

    .pages      {page number: (its place in the order of loading, MappedPages)}
    .chooser    who says which page has to go
    .faults     how many were answered; .evictions, .stored, .read_ahead: pages
    .next       the number behind the page that came last
    """

    def __init__(self, first, frames, store, flags, access):
        self._first, self._store, self._flags, self._access = first, store, flags, access
        self._is_code = not word_for(flags) & NO_EXECUTE
        self._by_frames = hasattr(store, "read_frames")
        self.pages = {}
        self.bits = Bits(access)
        self.chooser = Chooser(frames, self.bits, self.pages)
        self.faults = self.evictions = self.stored = self.read_ahead = 0
        self._loads = 0  # how many pages have come
        self.next = -1

    def load(self, page, count):
        """Make pages resident, with what the store has of them: all or none."""
        incoming, is_loaded = [], False
        # Another processor sees a page when it is mapped: then it must be whole; what may be executed can't be filled
        # any more. Else it is cheaper the other way.
        is_alone = not waits[OTHERS] and not self._is_code
        try:
            for number in range(page, page + count):
                incoming.append(None)
                enter()  # or Ctrl-C could come between its being mapped and its being written down
                try:
                    address = virtual_address_of(number << 12)
                    if is_alone:
                        incoming[-1] = create_mapping_at(address, PAGE_SIZE, self._flags)
                    else:
                        incoming[-1] = allocate_frames(1)
                finally:
                    leave()
            if is_alone:
                frames = [self._access.translate(number) for number in range(page, page + count)]
            else:
                frames = [owner.start.number for owner in incoming]
            self._read(page, frames)
            number = page
            enter()
            try:
                if not is_alone:
                    for index in range(count):
                        incoming[index] = self._map(page + index, incoming[index])
                self.chooser.is_lost = True  # until it has been told
                for mapped in incoming:
                    self.pages[number] = self._loads, mapped
                    number += 1
                    self._loads += 1
                is_loaded = True
            finally:
                leave()
        finally:
            if not is_loaded:
                self._unload(page, incoming)

    def _map(self, page, frames):
        """Map a page to its frame, and leave what is in there."""
        pages = allocate_pages_at(virtual_address_of(page << 12), 1)
        frames.mark_clean()
        try:
            return get_kernel_mmi_ref().page_table.map_allocated_pages_to(pages, frames, self._flags)
        except BaseException:
            frames.mark_clean(False)
            pages.drop()
            raise

    def _unload(self, page, incoming):
        """Take back pages that could not be loaded."""
        enter()
        try:
            for number in range(page, page + len(incoming)):
                self.pages.pop(number, None)
            for owner in incoming:
                if owner:
                    owner.drop()
        finally:
            leave()

    def _read(self, page, frames):
        """Fill frames with pages, by as few calls as there are runs of frames. Raises StoreError."""
        at = 0
        try:
            if self._by_frames:
                self._store.read_frames(page - self._first, frames)
                return
            while at < len(frames):
                count = 1
                while at + count < len(frames) and frames[at + count] == frames[at] + count:
                    count += 1
                fill(self._store, page - self._first + at, frames[at], count)
                at += count
        except Exception as error:
            self._raise(page + at, "read", error)

    def evict(self, page):
        """Take a page's frame, after storing what was written to it."""
        if waits[OTHERS] and not self._is_code:  # who writes from now on has to wait until it is back
            self.pages[page][1].remap(HEAP_FLAGS.writable(False))
        try:
            self.store(page)
        except BaseException:
            if not self._is_code:
                self.pages[page][1].remap(self._flags)
            raise
        enter()
        try:
            if look(self._access, page, DIRTY):
                raise StoreError(page_of(page), page - self._first, self._store, "written", "it was changed meanwhile")
            mapped = self.pages[page][1]
            self.chooser.is_lost = True  # until it has been told
            try:
                mapped.drop()
            finally:
                if not mapped:  # else it could not be unmapped, and stays
                    del self.pages[page]
                    self.evictions += 1
        finally:
            leave()
        self.chooser.tell("removed", (page,))

    def store(self, page):
        """Write a page to the store if it is dirty; it is clean then. Raises StoreError; then it is as before."""
        access, offset = self._access, page - self._first
        if not look(access, page, DIRTY):
            return
        frame = access.translate(page)
        buffer = buffer_of(frame, 1)
        taken = 0
        is_stored = False
        try:
            enter()  # or Ctrl-C could come between the bit's being cleared and its being known
            try:
                taken = sample(access, page, DIRTY)
                forget(access.root_frame, page, 1)
            finally:
                leave()
            if taken:
                if self._by_frames:
                    self._store.write_frames(offset, [frame])
                else:
                    self._store.write(offset, buffer)
            is_stored = True
        except Exception as error:
            self._raise(page, "written", error)
        finally:
            enter()
            try:
                if taken and not is_stored:
                    mark(access, page, DIRTY)
            finally:
                leave()
        self.stored += taken != 0

    def _raise(self, page, step, error):
        if isinstance(error, (MemoryError, StoreError)):
            raise error
        if page is None:
            raise StoreError(None, None, self._store, step, text_of(error))
        raise StoreError(page_of(page), page - self._first, self._store, step, text_of(error))

    def dirty(self):
        """The numbers of the pages that the store does not have yet as they are, upwards."""
        return [page for page in sorted(self.pages) if self.bits.is_dirty(page)]

    def sync(self):
        """Store all dirty pages, and have the store flushed. Raises StoreError."""
        for page in self.dirty():
            self.store(page)
        self.end("flush", "flushed")

    def end(self, method, step):
        """Call a method of the store that is about all of it. Raises StoreError."""
        try:
            getattr(self._store, method)()
        except Exception as error:
            self._raise(None, step, error)

    def let_go(self):
        """Unmap all pages, stored or not."""
        self.chooser.is_lost = True
        for page in list(self.pages):
            self.pages[page][1].drop()
            del self.pages[page]
