"""Mappings of devices, stacks, shared and contiguous frames, and what is special only by its circumstances."""


def test_an_exact_device_region_is_granted_once_and_comes_back(owned):
    owned.exec("my = memory.map_frame_range(PhysicalAddress(0xb8000), 4000, memory.MMIO_FLAGS)")
    assert owned.eval("(my.kind, memory.translate(my.start_address).value)") == ("device", 0xB8000)
    with owned.raises("AddressInUse"):
        owned.exec("memory.map_frame_range(PhysicalAddress(0xb8000), 1, memory.MMIO_FLAGS)")
    owned.exec(
        "my.drop()\nmy = memory.map_frame_range(PhysicalAddress(0xfee00000), 4096, memory.MMIO_FLAGS)\nmy.drop()"
    )


def test_contiguous_and_identity_mappings(owned):
    owned.exec(
        "my, address = memory.create_contiguous_mapping(5 * 4096, WRITE)\ni = memory.create_identity_mapping(3, WRITE)"
    )
    assert owned.eval("[f.start_address.value for f in my.frames()] == [address.value]")
    assert owned.eval("memory.translate(i.start_address).value == i.start_address.value")
    owned.exec("my.drop()\ni.drop()")


def test_a_stack_has_a_guard_page_that_faults(owned):
    owned.exec(
        "my = Stack(3)\nimport _memory\n_memory.store64(my.top.value - 8, 1)\n_memory.store64(my.bottom.value, 1)"
    )
    with owned.raises("PageFault"):
        owned.exec("_memory.store64(my.bottom.value - 8, 1)")
    assert owned.eval("my.guard_page.number + 1 == my.bottom.number")
    with owned.raises("AddressInUse"):
        owned.exec("memory.allocate_pages_at(my.guard_page.start_address, 1)")
    owned.exec("my.drop()")


def test_shared_frames_are_freed_with_the_last_mapping(owned):
    owned.exec(
        """
        my = SharedFrames(memory.allocate_frames(2))
        a = table.map_shared(memory.allocate_pages(2), my, WRITE)
        b = table.map_shared(memory.allocate_pages(2), my, READ)
        write(a, 10, b'seen twice')
        free = memory.frame_allocator.statistics().free
        my.drop()
        a.drop()
        """
    )
    assert owned.eval("(read(b, 10, 10), memory.frame_allocator.statistics().free == free)") == (b"seen twice", True)
    owned.exec("b.drop()")


def test_the_rights_of_shared_frames_are_counted_as_they_change(owned):
    """Who may write them and who may execute them follows every remap, so that both never is."""
    owned.exec(
        """
        shared = SharedFrames(memory.allocate_frames(1))
        a = table.map_shared(memory.allocate_pages(1), shared, WRITE)
        b = table.map_shared(memory.allocate_pages(1), shared, READ)
        """
    )
    assert owned.eval("refused(lambda: b.remap(RUN))") == "WritableExecutable"
    owned.exec("a.remap(READ)\nb.remap(RUN)")
    assert owned.eval("refused(lambda: a.remap(WRITE))") == "WritableExecutable"
    pages = "memory.allocate_pages(1)"
    assert owned.eval(f"refused(lambda: table.map_shared({pages}, shared, WRITE))") == "WritableExecutable"
    owned.exec("b.remap(READ)\na.remap(WRITE)\na.drop()\nb.remap(RUN)\nb.drop()\nshared.drop()")


def test_shared_frames_show_nothing_of_their_last_owner(owned):
    """They are cleared when they are mapped first, and known to be dirty when they come back."""
    owned.exec(
        """
        my = memory.create_mapping(2 * 4096, WRITE)
        write(my, 4090, b'the last owner')
        first = my.frames()[0].start_address
        my.drop()
        shared = SharedFrames(memory.allocate_frames_at(first, 2))
        a = table.map_shared(memory.allocate_pages(2), shared, WRITE)
        seen = read(a, 0, 8192)
        write(a, 4090, b'kept for the others')
        b = table.map_shared(memory.allocate_pages(2), shared, READ)
        kept = read(b, 4090, 19)
        b.drop()
        """
    )
    assert owned.eval("seen == bytes(8192)"), "the last owner's bytes can be read"
    assert owned.eval("kept") == b"kept for the others"
    assert owned.eval("refused(shared.into_frames)") == "IllegalState", "a mapping of it lives"
    owned.exec("a.drop()\nframes = shared.into_frames()")
    assert owned.eval("frames.is_clean()") is False
    owned.exec("b = table.map_allocated_pages_to(memory.allocate_pages(2), frames, READ)")
    assert owned.eval("read(b, 0, 8192) == bytes(8192)")
    owned.exec("b.drop()")


def test_an_override_is_logged_by_name(owned):
    owned.exec(
        "my = memory.create_mapping(4096, WRITE.executable(True), override='the just-in-time compiler of a test')"
    )
    assert "the just-in-time compiler of a test" in owned.guest.log()
    assert owned.eval("memory.verify().violations") == [], "somebody said why"
    owned.exec("my.drop()")


def test_an_override_goes_with_the_parts_and_with_the_whole(owned):
    """What somebody said why stays said, however the mapping is cut and joined; what nobody said is found."""
    owned.exec(
        """
        both = WRITE.executable(True)
        my = memory.create_mapping(3 * 4096, both, override='a test')
        low, high = my.split(my.start + 1)
        one, two = high.split(high.start + 1)
        split = memory.verify().violations
        low.merge(one)
        low.merge(two)
        """
    )
    assert owned.eval("(split, memory.verify().violations)") == ([], [])
    owned.exec("low.drop()")


def test_a_machine_whose_memory_is_in_pieces_maps_the_pieces(owned):
    owned.exec(
        """
        held = []
        while memory.frame_allocator.statistics().largest_run > 3000:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run - 1))
        while memory.frame_allocator.statistics().free:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
        long, owner = sorted(held, key=len)[-1].split(sorted(held, key=len)[-1].end - 640)
        pieces = []
        while len(owner) > 3:
            one, owner = owner.split(owner.start + 1)
            two, owner = owner.split(owner.start + 2)
            two.drop()
            pieces.append(one)
        pieces += [owner, long]
        held = [owner for owner in held if owner]
        del owner, one, two, long
        my = memory.create_mapping(300 * 4096, WRITE)
        """
    )
    assert owned.eval("len(my.frames()) >= 140 and read(my, 0, 300 * 4096) == bytes(300 * 4096)")
    assert owned.eval("memory.verify().violations") == []
    owned.exec("my.drop()\nfor owner in held + pieces: owner.drop()\ndel held, pieces")


def test_parts_that_keep_their_contents_are_mapped_again_as_they_were(owned):
    """Asked for, the bytes stay, through split and merge and for SharedFrames; else, and for the next owner, zeros."""
    owned.exec(
        """
        def parts(keep):
            my = memory.create_mapping(4 * 4096, WRITE)
            write(my, 0, b'first'); write(my, 3 * 4096, b'last')
            pages, (frames,) = my.unmap_into_parts(keep)
            return pages, frames
        def seen(pages, frames):
            with table.map_allocated_pages_to(pages, frames, READ) as again:
                return read(again, 0, 5), read(again, 3 * 4096, 4)
        pages, frames = parts(True)
        low, rest = frames.split(frames.start + 1)
        rest.merge(low)
        """
    )
    assert owned.eval("(seen(pages, rest), seen(*parts(True)))") == ((b"first", b"last"), (b"first", b"last"))
    assert owned.eval("seen(*parts(False))") == (bytes(5), bytes(4))
    owned.exec(
        """
        pages, frames = parts(True)
        shared = SharedFrames(frames)
        with table.map_shared(pages, shared, READ) as again: found = read(again, 0, 5)
        shared.drop()
        pages, frames = parts(True)
        address = frames.start_address
        frames.drop()
        next_owner = seen(pages, memory.allocate_frames_at(address, 4))
        pages, frames = parts(True)
        first, rest = frames.split(frames.start + 1)
        address = rest.start_address
        rest.drop()
        first.merge(memory.allocate_frames_at(address, 3))
        """
    )
    assert owned.eval("(found, next_owner)") == (b"first", (bytes(5), bytes(4)))
    assert owned.eval("seen(pages, first)") == (bytes(5), bytes(4)), "of frames of another owner nothing is kept"
