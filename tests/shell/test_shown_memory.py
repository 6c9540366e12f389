"""What `frames`, `pages`, `owners`, `picture` and `verify` show is what the allocators and the tables say."""

import re

import pytest
from harness import Kernel, depth
from oracle import page_walk

PAGE = 4096
CELL_LINE = re.compile(r"^ *[pv](0x[0-9a-f]+) (.*)$", re.MULTILINE)


@pytest.fixture
def busy(guest):
    """A machine on which somebody owns three mappings and some frames that are not mapped."""
    guest.console.command("import memory")
    guest.console.command("flags = memory.PteFlags().writable(True)")
    guest.console.command("kept = [memory.create_mapping(n << 12, flags) for n in (100, 2000, 300)]")
    guest.console.command("unmapped = memory.allocate_frames(1000)")
    return guest


def test_frames_and_pages_add_up(busy):
    for word, name in (("frames", "frame_allocator"), ("pages", "page_allocator")):
        shown = dict(re.findall(r"^(\w[\w ]*?) +(\d+) ", busy.console.command(word), re.MULTILINE))
        parts = sum(int(count) for state, count in shown.items() if state not in ("in all", "device", "quarantine"))
        assert parts == int(shown["in all"])
        free = int(busy.console.command(f"memory.{name}.statistics().free"))
        assert int(shown["free"]) == free


def test_owners_lists_every_mapping_with_an_owner(busy):
    rows = re.findall(
        r"^(\w) +v(0x[0-9a-f]+) \+(\d+) .* exclusive +(\S+ \S+)", busy.console.command("owners"), re.MULTILINE
    )
    mine = [(int(start, 16), int(count), rights) for _, start, count, rights in rows]
    for place, count in enumerate((100, 2000, 300)):
        start = int(busy.console.command(f"kept[{place}].start_address.value"))
        assert (start, count, "rw- kernel") in mine
    busy.console.command("kept.pop(0).drop()")
    assert len(re.findall(r" exclusive ", busy.console.command("owners"))) == len(rows) - 1


def cells_of(text):
    """Return {address of a cell: letter} of a picture, and the size of a cell."""
    size = re.search(r"one cell is (\d+) (KiB|MiB)", text)
    step = int(size[1]) << {"KiB": 10, "MiB": 20}[size[2]]
    cells = {}
    for start, row in CELL_LINE.findall(text):
        cells.update({int(start, 16) + place * step: letter for place, letter in enumerate(row)})
    return cells, step


def test_the_picture_shows_each_frame_where_it_is(busy):
    cells, step = cells_of(busy.console.command("picture", timeout=30))
    kernel = Kernel(busy)
    (first, count), *_ = kernel.eval("[(r.start.number, len(r)) for r in kept[1].frames()]")
    letter = cells[(first + count // 2) * PAGE // step * step]
    assert letter.isalnum()
    assert letter not in "KTHBLMR"
    start, end = kernel.eval("(unmapped.start.number, unmapped.end.number)")
    assert cells[(start + end) // 2 * PAGE // step * step] == "+"
    image = kernel.eval("__import__('_boot').image_range()")
    assert cells[sum(image) // 2 // step * step] == "K"
    free = kernel.eval("[(first, count) for first, count, _ in memory.frame_allocator.pool.runs()]")
    longest = max(free, key=lambda run: run[1])
    assert cells[(longest[0] + longest[1] // 2) * PAGE // step * step] == "."


def test_each_cell_of_the_picture_is_what_lies_there(boot):
    """The last cell is not whole on this machine: none is missing at the end, and none where a stretch ends."""
    guest = boot(memory="200104K")
    guest.console.wait_for_prompt()
    kernel = Kernel(guest)
    kernel.exec("""
        import memory
        flags = memory.PteFlags().writable(True)
        kept = [memory.create_mapping(n << 12, flags) for n in (100, 2001, 333)]
        """)
    runs = kernel.eval("[[(run.start.number, len(run)) for run in owner.frames()] for owner in kept]")
    last = (max(end for _, end, kind in kernel.eval("__import__('_boot').memory_map()") if kind == 1) >> 12) - 1
    cells, step = cells_of(kernel.text("__import__('diagnostics.picture').picture.Picture()"))
    frames = step // PAGE
    assert sorted(cells) == [number * step for number in range(last // frames + 1)]
    assert (last + 1) % frames, "or this test can't see a last cell that is missing"
    painted = {}
    letters = sorted(set("".join(cells.values())) & set("0123456789abcdefghijklmnopqrstuvwxyz"))
    assert len(letters) == len(runs)
    for letter, owned in zip(letters, runs, strict=True):
        for first, count in owned:
            painted.update({cell * step: letter for cell in range(first // frames, (first + count - 1) // frames + 1)})
    assert {at: letter for at, letter in cells.items() if letter in letters} == painted


def test_the_picture_of_the_pool_has_the_same_letters(busy):
    rows = re.findall(r"^(\w) +v(0x[0-9a-f]+) \+(\d+)", busy.console.command("owners"), re.MULTILINE)
    cells, step = cells_of(busy.console.command("picture pool", timeout=30))
    for letter, start, count in rows:
        middle = int(start, 16) + int(count) * PAGE // 2
        assert cells[middle - (middle - min(cells)) % step] == letter


@pytest.mark.parametrize(("memory", "rows"), [("32M", 16), ("8G", 24)])
def test_the_picture_fits_a_screen_whatever_the_ram(boot, memory, rows):
    guest = boot(memory=memory)
    guest.console.wait_for_prompt()
    lines = guest.console.command("picture", timeout=60).strip().split("\n")
    assert 4 <= len(lines) <= rows + 4
    assert all(len(line) <= 80 for line in lines)


def test_colours_and_pages_come_only_to_a_person(boot):
    guest = boot(command_line="terminal=80x10 colour")
    console = guest.console
    console.wait_for_prompt()
    console.sendline("picture")
    console.expect_exact("-- Space: more")
    assert b"\x1b[34mK" in console.before
    assert console.before.count(b"\n") <= 10
    console.send("q")
    console.wait_for_prompt()
    console.sendline("help")
    console.expect_exact("-- Space: more")
    console.send("\r")
    console.expect_exact("-- Space: more")
    console.send(" ")
    console.expect_exact("-- Space: more")
    console.interrupt()
    console.wait_for_prompt()
    assert console.command("6 * 7") == "42\n"


def test_without_a_person_output_is_whole_and_plain(guest):
    guest.console.sendline("picture")
    guest.console.expect_exact("clew> ")
    assert b"\x1b" not in guest.console.before
    assert b"more" not in guest.console.before


def test_verify_is_happy_with_a_busy_machine_and_finds_damage(busy):
    assert "nothing to complain of" in busy.console.command("verify", timeout=30)
    kernel = Kernel(busy)
    kernel.exec("""
        from paging import active_level_4_table
        from memory_structs.mode import LEVELS
        address = kept[0].start_address
        table = active_level_4_table()
        for index in [address.index_at(level) for level in range(LEVELS, 1, -1)]:
            table = table.next_table(index)
        table[address.p1_index()].set_unmapped()
        """)
    busy.console.send("\x02")
    busy.console.expect_exact(">>> ")
    busy.console.sendline("from shell.commands import verify; verify()")
    busy.console.expect_exact("VIOLATION")


@pytest.mark.parametrize("path", ["iso", "uefi"])
def test_the_picture_on_the_display_is_seen_by_qemu(boot, path, tmp_path):
    guest = boot(boot=path)
    guest.console.wait_for_prompt(60)
    guest.monitor.execute("screendump", filename=str(tmp_path / "before.ppm"))
    assert guest.console.command("picture screen", timeout=60).startswith("drawn on ")
    guest.monitor.execute("screendump", filename=str(tmp_path / "after.ppm"))
    before, after = ((tmp_path / name).read_bytes() for name in ("before.ppm", "after.ppm"))
    assert before != after
    pixels = after[-720 * 400 * 3 :] if path == "iso" else after
    assert len({pixels[at : at + 3] for at in range(0, len(pixels) - 3, 3)}) >= 5
    if path == "uefi":
        lines = guest.console.command("picture", timeout=60).rstrip("\n").split("\n")
        cells_have_their_colours(after, lines)


def cells_have_their_colours(ppm, lines):
    """Of a display of 800 by 600 pixels: a letter is 8 wide and 20 high with its gaps, the map's on a colour each."""
    assert ppm.startswith(b"P6\n800 600\n255\n")
    pixels = ppm[-800 * 600 * 3 :]

    def rows_of(row):
        return [pixels[y * 2400 : (y + 1) * 2400] for y in range(row * 20, row * 20 + 20)]

    rows = [number for number, line in enumerate(lines) if " p0x" in line[:15] or line.startswith("p0x")]
    colours = {}
    for row in rows:
        for column, letter in list(enumerate(lines[row]))[15:]:
            at = column * 8 * 3
            colours.setdefault(letter, set()).add(rows_of(row)[0][at : at + 3])
    assert len(rows) == 16
    assert all(len(found) == 1 for found in colours.values()), "one colour for a letter"
    assert len(set.union(*colours.values())) >= 6
    ground = pixels[-3:]
    for row, line in enumerate(lines):
        letters = b"".join(rows_of(row))
        assert letters != ground * 800 * 20, "text is there"
        rest = [each[(len(line) + 1) * 8 * 3 :] for each in rows_of(row)]
        assert set(rest) == {ground * (800 - (len(line) + 1) * 8)}
    assert pixels[len(lines) * 20 * 2400 :] == ground * 800 * (600 - len(lines) * 20), "nothing else is on the display"


@pytest.mark.parametrize("level", [1, 2])
def test_an_entry_with_a_reserved_bit_takes_no_picture_away(kernel, level):
    """What it leads to is nobody's any more; all else is shown as before."""
    kernel.exec("""
        import memory
        from diagnostics import census, dump, picture, snapshot
        kept = memory.create_mapping(1200 << 12, memory.PteFlags(), False)
        place = kept.start_address.number + 600
        """)
    guest, before = kernel.guest, kernel.eval("sum([count for _, count in census.owners()[-1].frames()])")
    path = page_walk.path_to(guest.monitor.registers()["CR3"], guest.memory, kernel.eval("place") << 12)
    table = path[-level - 1] & page_walk.ADDRESS_MASK
    at = table + 8 * (kernel.eval("place") >> 9 * (level - 1) & 511)
    raw = guest.memory.read_entry(at)
    guest.memory.write_entry(at, raw | 1 << 45)
    try:
        after = kernel.eval("sum([count for _, count in census.owners()[-1].frames()])")
        assert before - after == (1 if level == 1 else 512)
        kernel.exec("for make in (picture.Picture, picture.PoolPicture, census.Owners): list(make().lines())")
        kernel.exec("snapshot.as_json(); snapshot.ownership()")
    finally:
        guest.memory.write_entry(at, raw)
    kernel.exec("kept.drop()")


# The colours of VGA text by their numbers.
VGA = (0x000000, 0x0000A8, 0x00A800, 0x00A8A8, 0xA80000, 0xA800A8, 0xA85400, 0xA8A8A8)
VGA += (0x545454, 0x5454FC, 0x54FC54, 0x54FCFC, 0xFC5454, 0xFC54FC, 0xFCFC54, 0xFCFCFC)


def contrast(one, other):
    """Return the contrast of two colours, as WCAG defines it."""

    def brightness(colour):
        parts = [(colour >> shift & 255) / 255 for shift in (16, 8, 0)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((brightness(one) + 0.05, brightness(other) + 0.05))
    return light / dark


def test_every_letter_of_the_picture_on_the_display_can_be_read(kernel):
    letters = ".-+TKHBLMR01234"
    kernel.exec(f"from diagnostics.screen import attribute_of, pixels_of\nletters = {letters!r}")
    for letter, (ink, ground) in zip(letters, kernel.eval("[pixels_of(each) for each in letters]"), strict=True):
        assert contrast(ink, ground) >= 4.5, letter
    attributes = kernel.eval("[attribute_of(each) for each in letters]")
    for letter, attribute in zip(letters, attributes, strict=True):
        assert attribute < 0x80, "it would blink"
        assert contrast(VGA[attribute & 15], VGA[attribute >> 4]) >= 4.5, letter
    owners = kernel.eval("[(pixels_of(each), attribute_of(each)) for each in '0123456789abcdefghij']")
    assert not set(owners) & set(kernel.eval("[(pixels_of(each), attribute_of(each)) for each in '-.']"))


def test_without_a_display_the_picture_says_how_to_get_one(guest):
    assert guest.console.command("picture screen").startswith("NoDisplay: the loader found no display: boot through")


def test_a_live_picture_is_drawn_in_place_after_each_step(busy):
    console = busy.console
    console.command("from shell.live import live")
    console.sendline("_ = live((500, 600, 700), lambda n: kept.append(memory.create_mapping(n << 12, flags)))")
    console.wait_for_prompt(30)
    drawn = console.before.decode()
    assert drawn.count("physical memory, one cell is") == 3
    assert len(re.findall(r"\x1b\[\d+A\x1b\[J", drawn)) == 2
    last = drawn.rsplit("\x1b[J", 1)[1].replace("\r\n", "\n")
    assert last.strip() == console.command("picture", timeout=30).strip()


def test_picture_live_shows_memory_come_and_go_and_leaves_nothing(guest):
    console = guest.console
    before = console.command("frames")
    console.sendline("picture live")
    console.wait_for_prompt(60)
    frames = console.before.decode().replace("\r\n", "\n").split("\x1b[J")
    assert len(frames) == 12
    assert [letter for letter in "012345" if letter * 3 in frames[5]] == list("012345")
    assert "555555" in frames[5]
    assert "555555" not in frames[-1]
    assert console.command("frames") == before


def test_picture_live_takes_steps_of_ones_own_and_refuses_what_has_none(guest):
    console = guest.console
    console.command("from memory import *; kept = []")
    console.sendline("picture live (kept.append(create_mapping(n << 20, PteFlags())) for n in (1, 2, 3))")
    console.wait_for_prompt(60)
    assert console.before.decode().count("physical memory, one cell is") == 3
    assert console.command("len(kept)") == "3\n"
    assert console.command("picture live 5") == "UsageError: int has no steps: give what a `for` goes through\n"
    assert console.command("picture live nope").startswith("UsageError: nope: ")
    assert console.command("picture pool 5") == "UsageError: only `picture live` takes more: 5\n"
    assert "live" in console.command("help picture")


def test_ctrl_c_ends_a_live_picture_and_what_it_had_mapped_is_dropped(guest):
    console = guest.console
    before = console.command("frames")
    console.sendline("picture live")
    console.expect_exact("222")
    console.interrupt()
    console.expect_exact("picture: interrupted")
    console.wait_for_prompt()
    assert console.command("frames") == before


def test_the_fault_log_tells_what_was_raised_and_what_was_answered(guest):
    console = guest.console
    assert console.command("faultlog") == "no faults since the last reset\n"
    console.command("peek 0x600000000008")
    console.command("from examples.demand_paging import *")
    console.command("from memory import PageRange, VirtualAddress")
    console.command("area = DemandPaged(PageRange.from_virt_addr(VirtualAddress(0x100000000000), 8192))")
    console.command("poke 0x100000000000 1")
    lines = console.command("faultlog").strip().split("\n")
    assert lines[0] == "2 faults since the last reset:"
    assert re.match(rf" +1  raised, at v0x[0-9a-f]+: read of v0x600000000008: not present at {depth.ROOT}", lines[1])
    assert re.match(r" +2  answered by a handler, at v0x[0-9a-f]+: write to v0x100000000000: not present", lines[2])


def test_the_fault_log_keeps_the_last_ones(kernel):
    kernel.exec("""
        import _memory, _traps
        for n in range(40):
            try: _memory.load8(0x600000000000 + n)
            except _traps.PageFault: pass
        """)
    assert kernel.eval("_traps.taken()") == 40
    assert kernel.eval("[record.address for record, _ in _traps.recent()]") == [
        0x600000000000 + n for n in range(8, 40)
    ]
    kernel.soft_reset()
    assert kernel.eval("(__import__('_traps').taken(), __import__('_traps').recent())") == (0, [])


def test_sizes_are_said_as_people_say_them(kernel):
    said = {0: "0 bytes", 1023: "1023 bytes", 1 << 10: "1 KiB", 1536: "1.5 KiB", (1 << 20) - 1: "1023.9 KiB"}
    said |= {1 << 20: "1 MiB", (1 << 30) - 1: "1023.9 MiB", 1 << 30: "1 GiB", 3 << 29: "1.5 GiB", 5 << 30: "5 GiB"}
    said |= {(1 << 40) - 1: "1023.9 GiB", 1 << 40: "1 TiB", 5 << 39: "2.5 TiB", 4096 << 40: "4096 TiB"}
    kernel.exec("from diagnostics.text import size")
    assert kernel.eval(f"[size(number) for number in {list(said)}]") == list(said.values())


def test_the_picture_shows_where_no_ram_is(boot):
    """Between the RAM below 4 GiB and that above lie the firmware's regions, and else no RAM."""
    guest = boot(memory="4G")
    guest.console.wait_for_prompt()
    cells, step = cells_of(guest.console.command("picture", timeout=60))
    hole = range(0x80000000, 0x100000000, step)
    assert {cells[at] for at in hole} == {"-", "R"}
    assert [cells[at] for at in (0x80000000, 0xC0000000)] == ["-", "-"]
    assert "-" not in {letter for at, letter in cells.items() if at not in hole}
    assert "- no RAM" in guest.console.command("picture", timeout=60)
