"""Small faults around page tables for devices: what is mapped, forgotten, refused, told."""

UNIT = "kernel/devices/iommu/unit.py"
DOMAINS = "kernel/devices/iommu/domains.py"
TABLES = "kernel/devices/iommu/tables.py"
IOMMU = "kernel/devices/iommu/__init__.py"
TESTS = "tests/devices/test_iommu.py"

MUTANTS = [
    (
        "a unit is not told to forget a domain",
        UNIT,
        "            registers.iotlb = FORGET | OF_A_DOMAIN | domain << DOMAIN_AT\n",
        "            pass\n",
        f"{TESTS}::test_an_entry_that_is_gone_goes_on_translating_until_the_unit_is_told",
    ),
    (
        "a unit remembers what a DmaBuffer mapped that has ended",
        DOMAINS,
        "            self._tables.clear(*run)\n        self.flush()\n",
        "            self._tables.clear(*run)\n",
        f"{TESTS}::test_what_is_lent_is_mapped_for_the_device_and_not_longer",
    ),
    (
        "what a DmaBuffer mapped for a device stays mapped",
        DOMAINS,
        "            self._tables.clear(*run)\n",
        "            pass\n",
        f"{TESTS}::test_what_is_lent_is_mapped_for_the_device_and_not_longer",
    ),
    (
        "a unit is not told to forget a device that was detached",
        IOMMU,
        "        self._contexts.clear(function.number)\n        self.unit.flush()\n",
        "        self._contexts.clear(function.number)\n",
        f"{TESTS}::test_each_device_has_its_own_and_too_many_faults_are_told",
    ),
    (
        "a device's tables have as many levels as the processor's",
        TABLES,
        "        self.root_shift = INDEX_BITS * (levels - 1)\n",
        "",
        f"{TESTS}::test_an_entry_that_is_gone_goes_on_translating_until_the_unit_is_told",
    ),
    (
        "a device may write what it may only read",
        TABLES,
        "READ_AND_WRITE if writable else READ\n",
        "READ_AND_WRITE\n",
        f"{TESTS}::test_who_may_read_may_not_write_and_scattered_frames_are_one_piece",
    ),
    (
        "the frames of scattered memory lie at one address for a device",
        DOMAINS,
        "                at = None if at is None else at + length\n",
        "",
        f"{TESTS}::test_who_may_read_may_not_write_and_scattered_frames_are_one_piece",
    ),
    (
        "a place where devices write interrupts can be mapped",
        DOMAINS,
        "        if iova <= INTERRUPTS[1] and last >= INTERRUPTS[0]:\n",
        "        if INTERRUPTS[0] <= iova <= INTERRUPTS[1]:\n",
        f"{TESTS}::test_what_cannot_be_mapped_is_refused_and_nothing_is_lent",
    ),
    (
        "translation ends while devices have addresses that only it knows",
        IOMMU,
        "                if buffer.device is domain:\n",
        "                if False:\n",
        f"{TESTS}::test_what_cannot_be_mapped_is_refused_and_nothing_is_lent",
    ),
    (
        "a domain maps while nothing translates",
        DOMAINS,
        "        if not self.iommu.is_on:\n",
        "        if False:\n",
        f"{TESTS}::test_nothing_is_left_when_it_ends",
    ),
    (
        "frames of tables are lost with their domain",
        TABLES,
        "        self._mapper.access = Left(name)\n        self._frames.drop()\n",
        "        self._mapper.access = Left(name)\n        kept.append(self._frames)\n\n\nkept = []\n",
        f"{TESTS}::test_nothing_is_left_when_it_ends",
    ),
    (
        "frames that a device has may be given away",
        "kernel/devices/iommu/lent_frames.py",
        "        return not self.is_live\n",
        "        return True\n",
        f"{TESTS}::test_frames_without_a_page_are_reached_by_devices_alone",
    ),
    (
        "tables of a device that could not be mapped are left half done",
        DOMAINS,
        "            self._clear(done)\n            raise\n",
        "            raise\n",
        f"{TESTS}::test_who_may_read_may_not_write_and_scattered_frames_are_one_piece",
    ),
    (
        "a record of a fault is told again and again",
        UNIT,
        "                words[index] = IS_THERE\n",
        "",
        f"{TESTS}::test_an_entry_that_is_gone_goes_on_translating_until_the_unit_is_told",
    ),
    (
        "lost faults of devices are not told",
        UNIT,
        "            self._faults.append(LostFaults())\n",
        "",
        f"{TESTS}::test_each_device_has_its_own_and_too_many_faults_are_told",
    ),
    (
        "a device's fault is raised for another one",
        IOMMU,
        "fault.source in sources)\n",
        "True)\n",
        f"{TESTS}::test_each_device_has_its_own_and_too_many_faults_are_told",
    ),
    (
        "a device says that it has copied what it was refused",
        "kernel/devices/edu.py",
        "        memory.check(self)\n",
        "",
        f"{TESTS}::test_an_entry_that_is_gone_goes_on_translating_until_the_unit_is_told",
    ),
    (
        "after a soft reset devices are translated by tables that are somebody else's memory",
        "kernel/devices/pci.py",
        "        forget()\n",
        "",
        f"{TESTS}::test_a_soft_reset_leaves_no_device_translated",
    ),
    (
        "a table of units may lead round in a circle",
        "kernel/devices/acpi.py",
        "        if length == 0:\n",
        "        if length < 0:\n",
        f"{TESTS}::test_a_damaged_table_of_units_is_named",
    ),
]
