"""CR3 written by hand: what the kernel says of the active table is true, and what would end the machine is refused.

A root without the kernel's half, or a root entry that the kernel runs through, ends the machine at the next instruction
without a word: a triple fault, QEMU's status 0. Where a call can know that, it refuses.
"""

import pytest

REFUSED = ["KernelInUse", "InvalidFrameAddress", "MalformedEntry", "IllegalState", "TableInUse"]

SETUP = """
t = PageTable.new_table(K)
t_root, k_root = root_frame(t), root_frame(K)
in_t = t.create_mapping_at(VirtualAddress(0x600000), 4096, WRITE)
in_k = create_mapping_at(VirtualAddress(0x700000), 4096, WRITE)
"""


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


def everything_comes_back(kernel):
    kernel.exec("for one in (in_t, in_k, t): one.drop()\ndel one, in_t, in_k, t")
    kernel.adds_up()


def test_what_is_active_is_what_cr3_names(kernel):
    """After Cr3.write(): do is_active(), from_current(), translate() and views speak of what the CPU walks?"""
    kernel.exec("Cr3.write(t_root)")
    assert kernel.eval("(t.is_active(), K.is_active())") == (True, False)
    assert kernel.eval("PageTable.from_current() is t")
    assert kernel.eval("t.active_table is t and K.active_table is t")
    assert kernel.text("memory.translate(VirtualAddress(0x600000))") == kernel.text("in_t.frames()[0].start_address")
    assert kernel.text("memory.translate(VirtualAddress(0x700000))") == "None"
    assert kernel.eval("refused(lambda: in_k.as_slice('B')[0])") == "NotActive"
    assert kernel.eval("refused(lambda: in_t.as_slice('B')[0])") == "nothing"
    assert kernel.eval("refused(t.drop)") == "TableInUse"
    assert kernel.eval("OffsetPageTable().root == t_root")
    assert kernel.eval("violations()") == []
    kernel.exec("made = create_mapping(4096, WRITE); made.drop(); del made\nK.switch_to()")
    assert kernel.eval("PageTable.from_current() is K")
    everything_comes_back(kernel)


@pytest.mark.parametrize("act", ["K.switch_to()", "Cr3.write(k_root)"])
def test_a_view_follows_cr3(kernel, act):
    """A view of the lower half that was made before CR3 changed: is it refused while its table is not active?"""
    kernel.exec("view = in_k.as_slice_mut('B')\nview[0] = 7\nCr3.write(t_root)")
    assert kernel.eval("refused(lambda: view[0])") == "NotActive"
    kernel.exec(act)
    assert kernel.eval("view[0]") == 7
    kernel.exec("view.release(); del view")
    everything_comes_back(kernel)


NO_ROOTS = {
    "a clean frame": "f = memory.allocate_frames(1)\nframe = f.start",
    "a frame of ones": "f = memory.allocate_frames(1)\nfor n in range(512): poke(f.start.number, n, (1 << 64) - 1)",
    "a root without the kernel's half": "f = memory.allocate_frames(1)\nnew_root(f.start)",
    "a level-3 table": "frame = Frame(raw(k_root.number, 511) >> 12 & 0xfffffff)",
    "a level-1 table": "frame = Frame(place(0x700000, 1)[0])",
    "a frame of data": "frame = in_k.frames()[0].start",
    "a frame of text": "frame = OffsetPageTable().translate_page(Page(TEXT))",
    "a free frame": "f = memory.allocate_frames(1)\nframe = f.start\nf.drop()\nf = None",
    "a device": "frame = Frame(0xfee00)",
    "no memory at all": "frame = Frame(0x7f00000)",
}


def test_a_frame_that_is_no_root_is_refused(kernel):
    """What would the CPU execute after CR3 named this frame?"""
    for what, code in NO_ROOTS.items():
        kernel.exec(f"print({what!r})\nf = frame = None\n{code}\nframe = frame or f.start")
        kernel.refuses("Cr3.write(frame)", REFUSED)
        kernel.refuses("Cr3.write(frame, 8)", REFUSED)
        kernel.exec("if f: f.drop()\ndel f")
    everything_comes_back(kernel)


@pytest.mark.parametrize("change", ["1", "1 << 63", "0x1000", "2"], ids=["not present", "NX", "elsewhere", "read-only"])
def test_a_root_whose_upper_half_is_not_the_kernels_is_refused(kernel, change):
    """One entry is missing, leads elsewhere or forbids something: of the window, the pool, the kernel's image."""
    kernel.exec("f = memory.allocate_frames(1)\nnew_root(f.start, k_root)")
    for slot in (383, 384, 256, 511):
        kernel.exec(f"poke(f.start.number, {slot}, raw(k_root.number, {slot}) ^ ({change}))")
        kernel.refuses("Cr3.write(f.start)", REFUSED)
        kernel.exec(f"poke(f.start.number, {slot}, raw(k_root.number, {slot}))")
    kernel.exec("f.drop(); del f")
    everything_comes_back(kernel)


def test_a_root_that_new_root_made_has_every_entry_of_the_kernels_half(kernel):
    """All but the slots of the techniques, which are each root's own: so it can be switched to, and back."""
    kernel.exec("f = memory.allocate_frames(1)\nnew_root(f.start, k_root)")
    made, kernels = (kernel.table(kernel.eval(name)) for name in ("f.start.number", "k_root.number"))
    assert made[:256] == [0] * 256
    assert [made[n] for n in range(256, 512) if n not in (509, 510)] == [
        kernels[n] for n in range(256, 512) if n not in (509, 510)
    ]
    kernel.exec("Cr3.write(f.start)\nwas = active_root()\nK.switch_to()")
    assert kernel.eval("was == f.start.number")
    kernel.exec("f.drop()\ndel f")
    everything_comes_back(kernel)


def test_a_root_of_the_posts_own_with_the_kernels_half_may_be_active(kernel):
    """new_root(frame, shared_with): nobody's PageTable, but the machine lives on it, and the kernel knows."""
    kernel.exec("f = memory.allocate_frames(1)\nnew_root(f.start, k_root)\nCr3.write(f.start)")
    assert kernel.eval("(K.is_active(), t.is_active(), active_root() == f.start.number)") == (False, False, True)
    assert kernel.text("memory.translate(VirtualAddress(0x700000))") == "None"
    assert kernel.eval("refused(lambda: in_k.as_slice('B')[0])") == "NotActive"
    assert kernel.eval("refused(f.drop)") != "nothing", "the CPU walks it"
    kernel.exec("K.switch_to()\nf.drop()\ndel f")
    everything_comes_back(kernel)


def test_the_active_table_is_not_given_back_because_it_was_forgotten(kernel):
    """CR3 names it and nobody holds it: is it freed under the CPU?"""
    kernel.exec("in_t.drop()\nCr3.write(t_root)\ndel t, in_t\ncollected(); collected()")
    assert kernel.eval("active_root() == t_root.number")
    assert kernel.eval("refused(memory.allocate_frames_at, t_root.start_address, 1)") == "AddressInUse"
    kernel.exec("made = [create_mapping(64 * 4096, WRITE) for _ in range(8)]\n[one.drop() for one in made]\ndel made")
    kernel.exec("K.switch_to()\nin_k.drop()\ndel in_k\ncollected()")
    kernel.adds_up()


@pytest.mark.parametrize("end", ["t.drop(); del t", "del t; collected()"])
def test_the_root_of_a_table_that_is_gone_is_refused(kernel, end):
    """Its bytes may still be there, but the frame is free: somebody will fill it."""
    kernel.exec(f"in_t.drop(); del in_t\n{end}")
    kernel.refuses("Cr3.write(t_root)", REFUSED)
    kernel.exec("in_k.drop(); del in_k")
    kernel.adds_up()


@pytest.mark.parametrize(
    "call",
    ["memory.init(BootInfo())", "memory.init_post_heap(MMI.initial_mappings)", "memory.init_post_heap(None)"],
)
def test_memory_is_initialised_once(kernel, call):
    """A second boot under the running kernel: refused, and the first one goes on."""
    kernel.refuses(call, ["AlreadyInitialized"])
    assert kernel.eval("memory.get_kernel_mmi_ref() is MMI")
    everything_comes_back(kernel)


@pytest.mark.parametrize("call", ["memory.init(BootInfo())", "memory.init_post_heap(MMI.initial_mappings)"])
def test_memory_is_initialised_once_though_the_slot_is_empty(kernel, call):
    """Emptying the slot of the free functions does not undo a boot: all frames are handed out, or in use."""
    kernel.exec(
        f"slot = memory.system; slot._system = slot._Nothing(); name = refused(lambda: {call}); slot._system = MMI"
    )
    assert kernel.eval("name") == "AlreadyInitialized"
    everything_comes_back(kernel)


ENTRY_CALLS = ["set_unmapped()", "set_entry(Frame(9), P | W)", "set_flags(P)", "set_flags(P | W | NX)"]
WINDOWED = "active_level_4_table(BootInfo().physical_memory_offset)"


@pytest.mark.parametrize("table", ["active_level_4_table()", WINDOWED], ids=["", "at an offset"])
def test_the_roots_upper_entries_are_the_kernels(kernel, table):
    """An entry object is raw power, but root entry 511 is where the next instruction is."""
    for index in (511, 256, 384, 510, 508):
        for call in ENTRY_CALLS:
            kernel.refuses(f"{table}[{index}].{call}", REFUSED)
    everything_comes_back(kernel)


@pytest.mark.parametrize("level", [3, 2, 1])
def test_entries_on_the_way_to_the_kernels_text_are_the_kernels(kernel, level):
    """The same below the root."""
    kernel.exec(f"""
        table = active_level_4_table()
        for above in range(LEVELS, {level}, -1):
            table = table.next_table(Page(TEXT).index_at(above))
        entry = table[Page(TEXT).index_at({level})]
        """)
    for call in ENTRY_CALLS:
        kernel.refuses(f"entry.{call}", REFUSED)
    everything_comes_back(kernel)


def test_an_entry_that_is_nobodys_can_be_set(kernel):
    """The refusals above don't take the entry objects away: the lower half is free to play with."""
    kernel.exec("""
        f = memory.allocate_frames(1)
        _memory.zero_frames(f.start.number, 1)
        entry = active_level_4_table()[77]
        entry.set_entry(f.start, P | W)
        entry.set_flags(P)
        said = repr(entry), entry.value == f.start_address.value | 1
        entry.set_unmapped()
        tlb.flush_all()
        """)
    assert kernel.eval("(said[1], entry.is_unused())") == (True, True)
    kernel.exec("f.drop(); del f, entry")
    everything_comes_back(kernel)
