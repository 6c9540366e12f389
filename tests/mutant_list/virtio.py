"""Small faults around virtio devices, the disk, and paging to it."""

DEVICE = "kernel/devices/virtio.py"
PLACES = "kernel/devices/virtio_pci.py"
QUEUE = "kernel/devices/virtqueue.py"
DISK = "kernel/devices/disk.py"
REQUESTS = "kernel/devices/disk_requests.py"
FILES = "kernel/replacement/files.py"
VIRTIO_TESTS = "tests/devices/test_virtio.py"
DISK_TESTS = "tests/devices/test_disk.py"
PAGING_TESTS = "tests/replacement/test_disk.py"
KILL_TESTS = "tests/replacement/test_kills.py"

MUTANTS = [
    (
        "virtio: the type of a device that knows the old version too is taken from the wrong number",
        PLACES,
        "function.read(SUBSYSTEM, 16)",
        "function.device - FIRST_OLD",
        f"{VIRTIO_TESTS}::test_chains_are_done_by_devices_new_and_old_and_all_is_given_back",
    ),
    (
        "virtio: a device of the old version alone is driven as if it knew the new one",
        PLACES,
        "        if structure not in self._places:\n            text",
        "        if structure in ():\n            text",
        f"{VIRTIO_TESTS}::test_what_is_no_device_for_this_driver_is_refused_by_name_and_nothing_is_kept",
    ),
    (
        "virtio: nobody looks whether the device agrees with the features",
        DEVICE,
        "if not (self.features & VERSION_1 and registers.status & FEATURES_OK):",
        "if not self.features & VERSION_1:",
        f"{VIRTIO_TESTS}::test_what_is_no_device_for_this_driver_is_refused_by_name_and_nothing_is_kept",
    ),
    (
        "virtio: a device that asks for a reset is waited for in vain",
        DEVICE,
        "if self.registers.status & NEEDS_RESET:",
        "if False:",
        f"{VIRTIO_TESTS}::test_a_device_that_is_late_or_fails_has_no_memory_any_more_and_works_the_next_time",
    ),
    (
        "virtio: a device that was reset is given chains without being started",
        QUEUE,
        "        if not self.device.is_running:\n            self.device.start()\n",
        "",
        f"{VIRTIO_TESTS}::test_a_device_that_is_late_or_fails_has_no_memory_any_more_and_works_the_next_time",
    ),
    (
        "virtio: Ctrl-C amid a chain leaves it to the device",
        QUEUE,
        "            raise\n        except BaseException:\n            self.device.reset()\n",
        "            raise\n        except Exception:\n            self.device.reset()\n",
        f"{VIRTIO_TESTS}::test_ctrl_c_amid_a_chain_takes_it_from_the_device",
    ),
    (
        "virtio: descriptors of a chain that is done are not free",
        QUEUE,
        "        chain.written = done >> WRITTEN_SHIFT\n        if not chain.is_kept:",
        "        chain.written = done >> WRITTEN_SHIFT\n        if False:",
        f"{VIRTIO_TESTS}::test_chains_are_done_by_devices_new_and_old_and_all_is_given_back",
    ),
    (
        "virtio: a chain that a reset has ended counts as not done yet",
        QUEUE,
        "        if chain.written == LOST:",
        "        if False:",
        f"{VIRTIO_TESTS}::test_a_device_that_is_late_or_fails_has_no_memory_any_more_and_works_the_next_time",
    ),
    (
        "virtio: the used ring has as many places as there are numbers",
        QUEUE,
        "            at = 1 + ((seen & size - 1) << 1)\n",
        "            at = 1 + ((seen & 255) << 1)\n",
        f"{VIRTIO_TESTS}::test_indices_go_round_after_65536_chains",
    ),
    (
        "disk: a status that is not 0 is no error",
        REQUESTS,
        "            status = answer(slot.address)\n        finally:\n            self._free.append(slot)\n"
        "        if status:\n            self._fail(kind, sector, sum(",
        "            status = 0\n        finally:\n            self._free.append(slot)\n"
        "        if status:\n            self._fail(kind, sector, sum(",
        f"{DISK_TESTS}::test_an_error_of_the_disk_has_its_sector_and_operation_and_comes_once",
    ),
    (
        "disk: a page that the disk can't read or write is taken for done",
        REQUESTS,
        "        if status:\n            self._fail(kind, sector, length, status)",
        "        if False:\n            self._fail(kind, sector, length, status)",
        f"{PAGING_TESTS}::test_a_page_that_cant_be_read_is_told_once_and_comes_the_next_time",
    ),
    (
        "disk: pages are asked for one sector apart",
        DISK,
        "SECTORS_OF_A_PAGE = const(8)",
        "SECTORS_OF_A_PAGE = const(1)",
        f"{DISK_TESTS}::test_frames_wherever_they_lie_are_read_and_written_by_one_request",
    ),
    (
        "disk: what lies behind a disk of an odd size keeps what was in the frame",
        DISK,
        "                memory.zero_frames(frames[-1], 1)\n",
        "                pass\n",
        f"{DISK_TESTS}::test_frames_wherever_they_lie_are_read_and_written_by_one_request",
    ),
    (
        "disk: a disk that became smaller is not measured again",
        REQUESTS,
        "        self.on_error()\n",
        "",
        f"{DISK_TESTS}::test_the_host_makes_the_disk_smaller",
    ),
    (
        "disk: more pieces are asked for than the queue has room for",
        REQUESTS,
        "        self.most_pieces = len(self._queue.free) - 2\n",
        "        self.most_pieces = len(self._queue.free)\n",
        f"{DISK_TESTS}::test_small_queues_do",
    ),
    (
        "disk: nothing is flushed",
        DISK,
        "        if self.device.features & HAS_CACHE:\n",
        "        if False:\n",
        f"{DISK_TESTS}::test_an_error_of_the_disk_has_its_sector_and_operation_and_comes_once",
    ),
    (
        "map_file: a private page that was written goes to the disk",
        FILES,
        "            self._own.write(offset, buffer_of(frame, 1))\n",
        "            self.base.write_frames(offset, [frame])\n",
        f"{PAGING_TESTS}::test_private_pages_come_from_the_disk_and_never_go_there",
    ),
    (
        "swapped: a dirty page is given away before it was written to the disk",
        "kernel/replacement/residents.py",
        "                    self._store.write_frames(offset, [frame])\n",
        "                    pass\n",
        KILL_TESTS,
    ),
]
