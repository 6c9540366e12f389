"""`create_mapping_at`: new mappings at an address that somebody wishes, as of a fault that is to be answered.

The two steps that it stands for, `allocate_pages_at` and `map_allocated_pages`, each make an owner that can be asked
for everything. Nobody asks these: in the common case the numbers go straight into the record, as in `create_mapping`.
"""

from memory_structs import PAGE_SHIFT, PAGE_SIZE, VirtualAddress
from micropython import const
from paging.flags import PteFlags, word_for

from .mapped_pages import RECORD, MappedPages
from .mapper import UNUSUAL, USUAL
from .runs import add_owners, give, take, take_at
from .table_steps import UPPER_HALF, begin, leave, lend, map_record

MANY_BYTES = const(2 << 20)  # from here on a huge page may fit


def create_mapping_at(mapper, address, size_in_bytes, flags, huge=True, override=None):
    """See `memory.create_mapping_at`; as a method of a table, it maps the lower half in that one."""
    if mapper._record.__class__ is str:
        mapper._live()
    word = flags._word if flags.__class__ is PteFlags else word_for(flags)
    if (
        word & UNUSUAL == USUAL
        and size_in_bytes.__class__ is int
        and 0 < size_in_bytes < MANY_BYTES
        and address.__class__ is VirtualAddress
        and not address._value & PAGE_SIZE - 1
    ):
        page, count = address._value >> PAGE_SHIFT, size_in_bytes + PAGE_SIZE - 1 >> PAGE_SHIFT
        table = mapper._kernel if page >= UPPER_HALF else mapper
        page_tree = mapper._page_tree if page >= UPPER_HALF else mapper._pages._arenas[1].tree
        mapped = MappedPages()
        mapped._state = state = [None, table, None, None]
        record = begin(count)
        if record is not None:
            page_run = take_at(page_tree, page, count)
            frame_run = take(table._frame_tree, count) if page_run >= 0 else page_run
            needed = map_record(record, table.root, page_run, frame_run, count, word)
            if needed > 0 and _lend_one_run(table._frame_tree, needed):
                needed = map_record(record, table.root, page_run, frame_run, count, word)
            if needed == 0:
                state[RECORD] = record
                return mapped
            if page_run >= 0:
                give(page_tree, page_run, count)
                if frame_run >= 0:
                    give(table._frame_tree, frame_run, count)
            leave()
    return _create_in_steps(mapper, address, size_in_bytes, flags, huge, override)


def _lend_one_run(frame_tree, needed):
    """Lend frames for so many tables; False when no run has them all."""
    run = take(frame_tree, needed)
    if run < 0:
        return False
    add_owners(frame_tree, needed - 1)  # each table comes back on its own
    lend(run >> 1, needed)
    return True


def _create_in_steps(mapper, address, size_in_bytes, flags, huge, override):
    """The same for everything unusual, and for everything that is to be refused: each step knows why."""
    allocator = mapper._pages
    pages = allocator.allocate_at(address, allocator._count_for(size_in_bytes, 0))
    try:
        return mapper.map_allocated_pages(pages, flags, huge, override)
    except BaseException:
        if pages:
            pages.drop()
        raise
