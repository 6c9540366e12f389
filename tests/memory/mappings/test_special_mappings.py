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


def test_an_override_is_logged_by_name(owned):
    owned.exec(
        "my = memory.create_mapping(4096, WRITE.executable(True), override='the just-in-time compiler of a test')"
    )
    assert "the just-in-time compiler of a test" in owned.guest.log()
    assert owned.eval("memory.verify().violations") == [], "somebody said why"
    owned.exec("my.drop()")


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
