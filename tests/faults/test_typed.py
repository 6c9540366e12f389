"""A fault explains itself: typed attributes that hold what was true at the fault, and one line that says what to do."""

import pytest
from harness import depth
from on_target.playground import BASE, CODE, NX, PRESENT, TABLE

READ_ONLY = PRESENT | NX


@pytest.fixture
def play(kernel):
    """A kernel with a playground, and caught(code): the fault that code raises."""
    kernel.exec(
        CODE
        + """
import faults, micropython
from memory_structs import PageRange, Page, VirtualAddress
def caught(function):
    try:
        function()
    except faults.ProcessorFault as fault:
        return fault
@micropython.viper
def peek(address: uint) -> uint:
    return uint(ptr32(address)[0])
@micropython.viper
def poke(address: uint, value: uint):
    p = ptr32(address)
    p[0] = value
def bytearray_store(address):
    uctypes.bytearray_at(address, 8)[0] = 1
@micropython.native
def native_peek(address):
    return uctypes.bytearray_at(address, 8)[0]
"""
    )
    return kernel


def test_a_page_fault_is_typed(play):
    play.exec(f"p.map(3, 3, {READ_ONLY})\nfault = caught(lambda: _memory.store16(BASE + 0x3456, 1))")
    assert play.eval("fault.address == VirtualAddress(BASE + 0x3456)") is True
    assert play.eval("fault.page == Page(PAGE + 3)") is True
    assert play.text("fault.error_code") == "write, not allowed"
    names = ("present", "write", "user", "reserved", "fetch", "protection_key", "value")
    found = [play.eval(f"fault.error_code.{name}") for name in names]
    assert found == [True, True, False, False, False, False, 3]
    assert play.eval("(fault.level, fault.reason, fault.mapping)") == (1, "read-only", None)
    start, end = play.eval("[(page << 12, page + count << 12) for _, page, _, count, _ in _boot.sections()][0]")
    assert start <= play.eval("fault.instruction_pointer.value") < end


def test_an_error_code_has_a_name_for_each_of_its_bits(play):
    """SDM volume 3, "Page-Fault Exceptions". P comes with RSVD, which QEMU forgets."""
    play.exec("from faults.error_code import PageFaultErrorCode as Code")
    names = ("present", "write", "user", "reserved", "fetch", "protection_key", "shadow_stack", "hlat", "sgx")
    for bit, name in zip((0, 1, 2, 3, 4, 5, 6, 7, 15), names, strict=True):
        found = play.eval(f"[n for n in {names} if getattr(Code(1 << {bit}), n)]")
        assert found == (["present", "reserved"] if name == "reserved" else [name])
    said = play.eval("[repr(Code(value)) for value in (0x43, 0x81, 0x8007, 0x9, 0x8, 0x2)]")
    assert said == [
        "write, shadow stack",
        "read, HLAT",
        "write by ring 3, SGX",
        "read, reserved bit",
        "read, reserved bit",
        "write, not present",
    ]


def test_the_walk_is_that_of_the_moment(play):
    play.exec(f"""
        p.map(3, 3, {READ_ONLY})
        fault = caught(lambda: _memory.store16(BASE + 0x3000, 1))
        entry = _memory.load64((p.p1 << 12) + 24)
        p.unmap(3)
        """)
    assert play.eval("[entry.level for entry in fault.walk]") == list(range(depth.LEVELS, 0, -1))
    assert play.eval("fault.walk[-1].value == entry and fault.walk[-1].frame.number == p.frames[3]") is True
    assert play.eval("fault.walk[0].table.number == _cpu.read_root_frame()") is True


@pytest.mark.parametrize(
    ("setup", "access", "line"),
    [
        ("p.unmap(1)", "_memory.load64(BASE + 0x1000)", f"read of v{BASE + 0x1000:#x}: not present at P1; .*on_fault"),
        (
            "p.map(1, 1, RO)",
            "_memory.store8(BASE + 0x1001, 0)",
            f"write to v{BASE + 0x1001:#x}: read-only at P1; remap it",
        ),
        ("p.map(1, 1); p.set(p.p2, 0, p.p1 - WINDOW_PAGE, RO)", "_memory.store8(BASE + 0x1000, 0)", "read-only at P2"),
        (
            "p.map(1, 1)",
            "probe.call(BASE + 0x1000)",
            f"execute at v{BASE + 0x1000:#x}: no-execute at P1; remap it exec",
        ),
        pytest.param(
            "p.map(1, 1, USER_PAGE)",
            "probe.call(BASE + 0x1000)",
            "a user's page, which the kernel keeps off",
            marks=pytest.mark.writable_executable("a page mapped by hand"),
        ),
        (
            "p.set(p.p2, 1, p.p1 - WINDOW_PAGE + 2, DATA | 1 << 7)",
            "_memory.load8(BASE + 0x200000)",
            "reserved bit set at P2",
        ),
        (
            "p.map(0, 0); p.set(p.p3, 0, 1 << 39 | p.p2 - WINDOW_PAGE, TABLE)",
            "_memory.load8(BASE)",
            "reserved bit set at P3",
        ),
        (
            "p.set(p.p3, 0, 1 << 27, TABLE)",
            "_memory.load8(BASE)",
            "names a table where there is no RAM at P3; an entry was",
        ),
        ("", f"_memory.load8({depth.root_entry(192):#x})", f"not present at {depth.ROOT}"),
        ("", "_memory.store8(_boot.sections()[0][1] << 12, 1)", "kernel's own text .r-x., which stays as it is"),
        ("", "_memory.load8(_boot.guard_pages()[0] << 12)", "stack overflow: this is the guard page of a stack"),
    ],
)
def test_the_line_says_what_and_why_and_what_to_do(play, setup, access, line):
    play.exec(f"RO, USER_PAGE = {READ_ONLY}, {TABLE}\n{setup}")
    with play.raises("PageFault", line):
        play.exec(access)


@pytest.mark.parametrize(
    ("access", "name", "line"),
    [
        (
            f"_memory.load64({depth.HALF_BYTES:#x})",
            "GeneralProtectionFault",
            f"access to {depth.HALF_BYTES:#x} .*v{depth.HALF_BYTES - 1:#x}",
        ),
        ("_memory.store8(0x1234_0000_0000_0000, 1)", "GeneralProtectionFault", "0x1234000000000000 .*not a canonical"),
        ("poke(0x8000_0000_0000_0010, 1)", "GeneralProtectionFault", "general protection fault at"),
        ("_memory.read_bytes(0x9000_0000_0000_0000, 8)", "GeneralProtectionFault", "access to 0x9000000000000000 "),
        ("_provoke.exception(0)", "DivideFault", "divide error .*check the divisor"),
        ("_provoke.exception(6)", "InvalidOpcode", "invalid opcode .*no instruction"),
        ("_provoke.exception(3)", "BreakpointTrap", "breakpoint"),
    ],
)
def test_other_exceptions_explain_themselves(play, access, name, line):
    play.exec("import _provoke")
    with play.raises(name, line):
        play.exec(access)


def test_a_bad_address_is_an_attribute(play):
    play.exec(f"fault = caught(lambda: _memory.load64({depth.HALF_BYTES + 16}))")
    assert play.eval("fault.address") == depth.HALF_BYTES + 16
    play.exec("fault = caught(lambda: poke(0x8000_0000_0000_0010, 1))")
    assert play.eval("fault.address") is None


@pytest.mark.parametrize(
    "access",
    [
        "_memory.load8(at)",
        "_memory.store64(at, 1)",
        "peek(at)",
        "poke(at, 1)",
        "native_peek(at)",
        "uctypes.bytearray_at(at, 8)[0]",
        "bytearray_store(at)",
        "memoryview(uctypes.bytearray_at(at, 8))[1:] == b'1234567'",
        "bytes(uctypes.bytearray_at(at, 8))",
        "uctypes.struct(at, {'x': uctypes.UINT32}).x",
        "sum(uctypes.bytearray_at(at, 8))",
        "b''.join([b'ab', uctypes.bytearray_at(at, 8)])",
        "sorted(uctypes.bytearray_at(at, 8))",
        "str(uctypes.bytearray_at(at, 8))",
        "bytearray(16).extend(uctypes.bytearray_at(at, 8))",
        "_memory.write_bytes(at, bytes(4096))",
    ],
)
def test_every_kind_of_access_faults_at_its_statement(play, access):
    """And goes through when the page is there: the same access, both ways."""
    play.exec("at = BASE + 0x9000\np.unmap(9)")
    play.exec(f"fault = caught(lambda: {access})")
    assert play.eval("fault.page.number - PAGE") == 9
    play.exec("p.map(9, 9)")
    assert play.eval(f"caught(lambda: {access}) is None") is True


def test_fifty_thousand_faults_under_collector_pressure_leak_nothing(play):
    play.exec("""
        p.unmap(9)
        live = [bytes(100) for _ in range(1000)]
        def fault(times):
            count = 0
            for n in range(times):
                try:
                    peek(BASE + 0x9000)
                except faults.PageFault as fault:
                    count += fault.record.page == PAGE + 9
            return count
        fault(100)
        gc.threshold(20000)
        gc.collect()
        before = gc.mem_alloc()
        """)
    assert play.eval("fault(50000)", timeout=90) == 50000
    assert abs(play.eval("(gc.collect(), gc.mem_alloc() - before)[1]")) < 1000


def test_a_soft_reset_keeps_faults_explained(play):
    play.soft_reset()
    play.exec("import _memory")
    with play.raises("PageFault", f"not present at {depth.ROOT}; nothing is mapped there"):
        play.exec(f"_memory.load8({BASE + 2 * depth.ROOT_ENTRY_BYTES:#x})")


def test_a_fault_names_the_mapping_of_the_root_that_it_happened_under(kernel):
    """The lower half of each table is its own: at the same address there may be a mapping here and none there."""
    kernel.exec("""
        import _memory, memory, faults
        from memory import PageTable, PteFlags, VirtualAddress
        here = memory.get_kernel_mmi_ref().page_table
        there = PageTable.new_table(here)
        def caught(address):
            try: _memory.store64(address, 1)
            except faults.PageFault as fault: return fault.mapping and fault.mapping.range, str(fault)
        mine = here.create_mapping_at(VirtualAddress(0x7000000), 4096, PteFlags())
        yours = there.create_mapping_at(VirtualAddress(0x7001000), 4096, PteFlags())
        found = []
        for table in (here, there):
            table.switch_to()
            found.append([caught(address) for address in (0x7000000, 0x7001000)])
        here.switch_to()
        """)
    assert kernel.eval("found[0][0][0] == mine.range and found[1][1][0] == yours.range")
    assert kernel.eval("(found[0][1][0], found[1][0][0])") == (None, None), "another table's mapping is named"
    assert "read-only at P1; exclusive mapping" in kernel.eval("found[0][0][1]")
    assert "not present at P" in kernel.eval("found[1][0][1]")
    kernel.exec("mine.drop(); yours.drop(); there.drop()")


MAPPINGS = """
import _memory, faults, memory
from memory import PteFlags, VirtualAddress, create_mapping, create_mapping_at
READ, WRITE = PteFlags(), PteFlags().writable(True)
def said(fault): return str(fault.mapping and fault.mapping.range), str(fault.mapping), str(fault)
m = create_mapping(8192, READ)
place, at = m.start_address, m.start_address.value
"""
CHANGES = {
    "remapped": "m.remap(WRITE)",
    "dropped": "m.drop()",
    "forgotten": "import gc; m = None; gc.collect(); memory.allocate_frames(1).drop()",
    "split": "m, rest = m.split(m.start + 1)",
    "another one": "m.drop(); m = create_mapping_at(place, 4096 * 3, WRITE)",
    "another root": "t = memory.PageTable.new_table(memory.get_kernel_mmi_ref().page_table); t.switch_to()",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_fault_goes_on_naming_the_mapping_that_was_there(kernel, change):
    """As its walk and everything else of it: what comes after the fault changes nothing that the fault says."""
    kernel.exec(
        MAPPINGS
        + """
try: _memory.store64(at + 4096, 1)
except faults.PageFault as caught: fault = caught
before = said(fault)
"""
    )
    assert kernel.eval("before[0]") == kernel.eval("str(m.range)")
    assert kernel.eval("before[1]").startswith("exclusive mapping PageRange")
    assert kernel.eval("before[1]").endswith("r--")
    kernel.exec(CHANGES[change])
    assert kernel.eval("said(fault)") == kernel.eval("before")
    kernel.exec("memory.get_kernel_mmi_ref().page_table.switch_to()")


def test_a_fault_where_nothing_was_mapped_names_no_mapping_that_came_later(kernel):
    kernel.exec(
        MAPPINGS
        + """
m.drop()
try: _memory.store64(at, 1)
except faults.PageFault as caught: fault = caught
m = create_mapping_at(place, 4096, READ)
"""
    )
    assert kernel.eval("said(fault)[:2]") == ("None", "None")
    assert "mapping" not in kernel.eval("said(fault)[2]")


def test_a_handlers_fault_goes_on_naming_the_mapping_that_was_there(kernel):
    kernel.exec(
        MAPPINGS
        + """
found = []
def answer(fault):
    m.remap(WRITE)
    found.append(said(fault))
    return True
with faults.on_fault(m.range, answer): _memory.store64(at, 1)
"""
    )
    assert kernel.eval("found[0][1]").endswith("r--")
