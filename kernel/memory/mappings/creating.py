"""`Creating`: the part of a `Mapper` that allocates what it maps: pages, frames, or both."""

from memory_structs import PAGE_SHIFT, PAGE_SIZE, Misaligned, VirtualAddress
from memory_structs.instances import make
from memory_structs.mode import ENTRIES, UPPER_HALF_FIRST_PAGE
from micropython import const
from paging.access import shared_table
from paging.flags import EXCLUSIVE as EXCLUSIVE_BIT
from paging.flags import PteFlags, word_for

from ..allocators.owners import COUNT, DEAD, RUN
from ..ledger import EXCLUSIVE, begin, commit, enter, leave, mark_overridden, signature_of, write
from ..runs import give, take, take_at
from . import faulted
from .data_frames import allocate_in_runs
from .few import map_few
from .mapped_pages import MappedPages
from .rights import NOT_MARKS, UNUSUAL, USUAL, unusual_word
from .run_lists import joined

_NO_EXECUTE = const(1 << 23)  # of a flag word
_RECORD = const(0)  # of MappedPages._state


class Creating:
    """Maps new pages to new frames; or new pages to given frames, and new frames to given pages."""

    def create_mapping(self, size_in_bytes, flags, huge=True, override=None):
        """See `memory.create_mapping`."""
        if size_in_bytes.__class__ is not int or size_in_bytes < 1:
            self._pages._count_for(size_in_bytes, 0)
        word = flags._word if flags.__class__ is PteFlags else word_for(flags)
        count = size_in_bytes + 4095 >> 12
        kernel = self._kernel
        if word & UNUSUAL == USUAL:
            word &= NOT_MARKS
        else:
            word = unusual_word(flags, kernel._page_pool.low, count, override)
            if not word & _NO_EXECUTE:
                return kernel._with_room(kernel._create_executable, count, word, huge, override)
        state = [None, kernel, None, None]
        mapped = make(MappedPages, "_state", state)  # now: behind the commit nothing may fail
        state[_RECORD] = kernel._create_record(count, word, huge)
        if override is not None:
            mark_overridden(state[_RECORD], True)
        return mapped

    def _create_record(self, count, word, huge=False):
        """The number layer of `create_mapping`: returns the native Record, an owner; `_unmap_record` takes it back."""
        tree = self._page_tree  # what is no table fails here, with nothing begun
        record = begin(count)
        if record is not None:
            page = take(tree, count)
            frame = take(self._frame_tree, count)
            try:
                if not map_few(self._facts, record, page, frame, count, word):
                    commit(record)
                    return record
            except BaseException:
                faulted.undo_few(self, record, page, frame, count, word)
                raise
            if page >= 0:
                give(tree, page, count)
            if frame >= 0:
                give(self._frame_tree, frame, count)
            leave()
        return self._with_room(self._create_in_steps, count, word, self._limit(huge))._state[0]

    def _create_uncleared(self, count, word):
        """`_create_record` of huge pages with whatever their frames hold, for who clears what he takes of them."""
        return self._with_room(self._create_in_steps, count, word, self._kernel.largest_level, False)._state[0]

    def _create_executable(self, count, word, huge, override):
        """`create_mapping` for what may be executed: mapped without that, and then changed, as `remap` does it."""
        state = [None, self, None, None]
        mapped = make(MappedPages, "_state", state)
        enter()
        try:
            record = self._create_record(count, word | _NO_EXECUTE, huge)
            try:
                self.aliases().make_executable(self, record, word)
            except BaseException:
                self._unmap_record(record)
                raise
            if override is not None:
                mark_overridden(record, True)
            state[_RECORD] = record
        finally:
            leave()
        return mapped

    def _create_few_at(self, page, count, word):
        """The same for given pages, as MappedPages; None when it takes more steps to map them, or to say why they can't
        be mapped."""
        if page >= UPPER_HALF_FIRST_PAGE:
            table, tree, is_kernels = self._kernel, self._page_tree, False
        else:
            table, tree, is_kernels = self, self._lower_tree, shared_table(self._facts, None, page)
        state = [None, table, None, None]
        mapped = make(MappedPages, "_state", state)  # now: behind the commit nothing may fail, for it stays mapped then
        record = begin(count)
        if record is None:
            return None
        frame, run = -1, take_at(tree, page, count)
        if run >= 0 and not is_kernels:
            frame = take(self._frame_tree, count)
            try:
                failed = map_few(table._facts, record, run, frame, count, word)
            except BaseException:
                faulted.undo_few(table, record, run, frame, count, word)
                raise
            if not failed:
                state[_RECORD] = record
                commit(record)
                return mapped
        if run >= 0:
            give(tree, run, count)
        if frame >= 0:
            give(self._frame_tree, frame, count)
        leave()
        return None

    def _create_in_steps(self, count, word, limit, clears=True):
        """`_create_record` for many pages, when tables are missing, or when memory is short."""
        pages = self._pages.allocate(count)
        try:
            return self._create_in(pages, word, limit, "create_mapping()", clears)
        except BaseException:
            if pages:
                pages.drop()
            raise

    def _create(self, count, word):
        """`create_mapping` of new pages with a flag word that was checked."""
        return self._with_room(self._create_in_steps, count, word, self._kernel.largest_level)

    def _create_in(self, pages, word, limit, consumer, clears=True):
        """Map the pages of an owner to whatever frames there are, the fewest runs, and consume it. The frames are
        cleared, unless they are clean, or nobody wants that."""
        state = pages._state
        page, count = state[RUN] >> 1, state[COUNT]
        owners = allocate_in_runs(self._frames, count)
        enter()
        try:
            frame = owners[0]._state[RUN]
            mapped, record = self._new(page, count, word, EXCLUSIVE, frame >> 1)
            frames = [(owner._state[RUN] >> 1, owner._state[COUNT], owner._state[RUN] & 1) for owner in owners]
            if not clears:
                frames = [run[:2] + (True,) for run in frames]
            if len(frames) > 1:
                as_given = joined(frames)
                write(record, page, count, word, signature_of(as_given))
            place = self._place if word & _NO_EXECUTE else self._place_executable
            place(record, frames, word | EXCLUSIVE_BIT, limit, owners + [pages])
            if len(frames) > 1:
                self._frame_pool.count_owners(len(as_given) - len(frames))  # so many runs come back
            for owner in owners:
                owner._state[RUN] = DEAD
            self._consumed(pages, consumer)
        except BaseException:
            for owner in owners:
                if owner:
                    owner.drop()
            raise
        finally:
            leave()
        return mapped

    def create_mapping_at(self, address, size_in_bytes, flags, huge=True, override=None):
        """See `memory.create_mapping_at`; as a method of a table, it maps the lower half in that one."""
        self._live()
        allocator = self._pages
        if size_in_bytes.__class__ is not int or size_in_bytes < 1:
            allocator._count_for(size_in_bytes, 0)
        count = size_in_bytes + 4095 >> 12
        word = flags._word if flags.__class__ is PteFlags else word_for(flags)
        is_few = count < ENTRIES and word & UNUSUAL == USUAL and override is None
        if is_few and address.__class__ is VirtualAddress and not address._value & PAGE_SIZE - 1:
            page = address._value >> PAGE_SHIFT
            mapped = self._create_few_at(page, count, word & NOT_MARKS)
            if mapped is not None:
                return mapped
        allocator._check_address(address)
        if address._value & PAGE_SIZE - 1:
            raise Misaligned(address, PAGE_SIZE, address.align_down(PAGE_SIZE))
        pages = allocator.allocate_at(address, count)
        try:
            return self.map_allocated_pages(pages, flags, huge, override)
        except BaseException:
            if pages:
                pages.drop()
            raise

    def create_contiguous_mapping(self, size_in_bytes, flags):
        """See `memory.create_contiguous_mapping`."""
        frames = self._frames.allocate_by_bytes(size_in_bytes)
        address = frames.start_address
        return self._map_new_pages(frames, flags), address

    def map_frame_range(self, address, size_in_bytes, flags):
        """See `memory.map_frame_range`."""
        return self._map_new_pages(self._frames.allocate_by_bytes_at(address, size_in_bytes), flags)

    def create_identity_mapping(self, count, flags):
        """See `memory.create_identity_mapping`."""
        frames = self._frames.allocate(count)
        try:
            pages = self._pages.allocate_at(VirtualAddress(frames.start_address.value), count)
        except BaseException:
            frames.drop()
            raise
        return self._map_or_drop(pages, frames, flags)

    def _map_new_pages(self, frames, flags):
        try:
            pages = self._pages.allocate(len(frames))
        except BaseException:
            frames.drop()
            raise
        return self._map_or_drop(pages, frames, flags)

    def _map_or_drop(self, pages, frames, flags):
        try:
            return self.map_allocated_pages_to(pages, frames, flags)
        except BaseException:
            for owner in pages, frames:
                if owner:
                    owner.drop()
            raise
