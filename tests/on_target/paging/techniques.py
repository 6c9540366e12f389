# The same operations through each access technique, on an inactive table and on the live ones.
import memory

BASE = page_of_root_entry(40) << 12
owned = own_frames(64)
spare = own_frames(12)
SEEN_AT = page_of_root_entry(60)  # page number where MappedPageTable's function shows the owned frames


def fixed_offset(root_frame):
    """frame_to_page for tables in the owned frames, and for a root."""
    live = OffsetPageTable()
    frames = Frames(spare)
    first = owned.start.number
    pages = PageRange.from_numbers(SEEN_AT, SEEN_AT + 63)
    live.map_range(pages, FrameRange.from_numbers(first, first + 63), PW | NX, frames, largest=Page4K)
    live.map_to(Page(SEEN_AT + 64), Frame(root_frame), PW | NX, frames)

    def frame_to_page(frame):
        return SEEN_AT + 64 if frame == root_frame else SEEN_AT + frame - first

    def undo():
        live.unmap_range(PageRange.from_numbers(SEEN_AT, SEEN_AT + 64))[1].flush()
        live.clean_up_range(pages, frames)
        assert frames.out == 0

    return frame_to_page, undo


def with_technique(name, root, act):
    """act(mapper) with a technique on a root (a Frame, or None for the live one)."""
    undo = None
    if name == "offset":
        mapper = OffsetPageTable(root)
    elif name == "identity":
        mapper = IdentityPageTable(root)
    elif name == "mapped":
        number = cpu.read_root_frame() if root is None else root.number
        function, undo = fixed_offset(number)
        mapper = MappedPageTable(function, root)
    elif name == "temporary":
        mapper = TemporaryPageTable(Frames(spare), root)
    else:
        mapper = RecursivePageTable(root)
    with mapper:
        act(mapper)
    if undo:
        undo()


def page(offset, size=Page4K):
    return page_at(BASE + offset, size)


def pages(offset, count):
    first = (BASE + offset) >> 12
    return PageRange.from_numbers(first, first + count - 1)


def operate(mapper, frames, told):
    """Every kind of operation; what was answered goes to `told`."""

    def tell(call, *arguments):
        try:
            result = call(*arguments)
            if isinstance(result, MapperFlush):
                result.ignore()
                result = "token"
            elif type(result) is tuple and isinstance(result[-1], MapperFlush):
                result[-1].ignore()
                result = result[:-1]
            told.append(repr(result))
        except KernelError as error:
            told.append(type(error).__name__ + ": " + error.args[0])

    run = FrameRange.from_numbers(0x10000 + 0x1FF, 0x10000 + 0x1FF + 1499)
    tell(mapper.map_to, page(0x5000), frame_at(0x123000), PW, frames)
    tell(mapper.map_to, page(0x200000, Page2M), frame_at(0x40000000, Page2M), PW | NX, frames)
    tell(mapper.map_to, page(0x40000000, Page1G), frame_at(0x80000000, Page1G), P | NX, frames)
    tell(mapper.map_range, pages(0x803FF000, 1500), run, PW | G, frames)
    tell(mapper.map_range, pages(0x7FFFE00000, 1024), FrameRange.from_numbers(0x20000, 0x203FF), PW | U, frames)
    tell(mapper.map_to, page(0x200000), frame_at(0x1000), PW, frames)
    tell(mapper.map_to, page(0x5000), frame_at(0x1000), PW, frames)
    tell(mapper.translate_range, pages(0x803FE000, 1504))
    tell(mapper.update_flags_range, pages(0x80400000, 512), P | NX)
    tell(mapper.update_flags, page(0x5000), PW | U)
    tell(mapper.set_flags_p2_entry, page(0x5000), PW | U)
    tell(mapper.set_flags_p4_entry, page(0x5000), PW)
    tell(mapper.unmap_range, pages(0x80600000, 475))
    tell(mapper.unmap, page(0x803FF000))
    tell(mapper.unmap, page(0x80600000))
    tell(mapper.unmap_range, pages(0x80500000, 4))
    tell(mapper.unmap, page(0x200000, Page2M))
    tell(mapper.map_to, page(0x201000), frame_at(0x777000), PW, frames, PW | U)
    tell(mapper.clean_up_range, pages(0, 1 << 26), frames)
    for offset in (0x5FFF, 0x201234, 0x40000000, 0x7FFFFFFF, 0x80400000, 0x805FFFFF, 0x80600000, 0x8000000000):
        address = VirtualAddress(BASE + offset)
        tell(mapper.translate, address)
        tell(mapper.translate_addr, address)
        tell(mapper.walk, address)


def undo_all(mapper, frames):
    """Empty the region again, tables and all."""
    for run in mapper.translate_range(pages(0, 2 << 27)):
        if run.is_mapped:
            mapper.unmap_numbers(run.page, run.count)[1].flush()
    mapper.clean_up_range(pages(0, 2 << 27), frames)


def run_inactive(name):
    frames = Frames(owned)
    told = []
    root = new_root(frames.allocate_frame())
    with_technique(name, root, lambda mapper: operate(mapper, frames, told))
    return told


def begin_live(name):
    """Operate on the live tables and leave the result there for the host to see."""
    global frames
    frames = Frames(owned)
    told = []
    with_technique(name, None, lambda mapper: operate(mapper, frames, told))
    return told


def end_live():
    undo_all(OffsetPageTable(), frames)
    assert frames.out == 0
