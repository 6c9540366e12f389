"""The two ways in which the examples map one page."""

import memory

__all__ = (
    "drop_all",
    "map_own",
    "map_shared",
)


def map_own(page, flags=memory.HEAP_FLAGS):
    """Map a Page to a cleared frame that nobody else has; returns its MappedPages. All or nothing."""
    return memory.create_mapping_at(page.start_address, memory.PAGE_SIZE, flags)


def map_shared(page, frames):
    """Map a Page to SharedFrames, for reading only; returns its MappedPages. All or nothing."""
    pages = memory.allocate_pages_at(page.start_address, 1)
    try:
        return memory.get_kernel_mmi_ref().page_table.map_shared(pages, frames, memory.PteFlags())
    except BaseException:
        pages.drop()
        raise


def drop_all(mapped):
    """Unmap everything in a {page number: MappedPages}."""
    while mapped:
        mapped.popitem()[1].drop()
