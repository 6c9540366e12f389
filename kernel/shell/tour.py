"""The tour: thirteen steps, a few lines each. A step is typed for the reader at their own prompt; what it made stays.

A step is (title, what to look at, the lines to type). A line that begins with a space goes on with the one before.
"""

from diagnostics.text import WIDTH, Prose, View, paragraphs
from memory_structs.mode import LEVELS, LOWER_HALF_PAGES, PAGE_SHIFT
from paging.natives import LAYOUT, keys

from shell.user import NAMES

STEPS = (
    (
        "Walk an address",
        (
            "A virtual address is an index for each table on its way and an offset. The processor walks the tables;",
            "`walk` shows what it sees, and which rights are left at each level.",
        ),
        (
            "from memory import *",
            "a = VirtualAddress(0xffffffff80109000)",
            ", ".join(["a.p%d_index()" % level for level in range(LEVELS, 0, -1)]),
            "walk a",
        ),
    ),
    (
        "Own some memory",
        (
            "create_mapping takes pages and frames from the allocators and maps one to the other. The object owns",
            "both; dropped, it gives them back.",
        ),
        (
            "writable = PteFlags().writable(True)",
            "m = create_mapping(8192, writable)",
            'v = m.as_slice_mut("B")',
            "v[0] = 42",
            "v[0], v[1]",
            "owners",
        ),
    ),
    (
        "Cause a fault and read it",
        ("What the MMU refuses is an exception that tells what happened. Nothing reboots.",),
        (
            "r = create_mapping(4096, PteFlags())",
            "poke r.start_address 1 8",
            "from shell.commands import poke",
            "from faults import PageFault",
            "try:",
            "    poke(r.start_address, 1)",
            "except PageFault as fault:",
            "    seen = fault",
            "",
            "seen.address, seen.error_code.write, seen.level",
            "seen.walk[-1]",
        ),
    ),
    (
        "Make it legal",
        ("The same page with other rights, and the same write.",),
        (
            "r.remap(writable)",
            "poke r.start_address 1 8",
            "peek r.start_address 1 8",
        ),
    ),
    (
        "Break the rules, and be refused",
        (
            "A physical address is no virtual one; a frame has one owner; nothing is writable and executable at once;",
            "what is lent can't be unmapped, and what was unmapped can't be used.",
        ),
        (
            "VirtualAddress(0x1000) - PhysicalAddress(0x1000)",
            "VirtualAddress(%#x)" % (LOWER_HALF_PAGES << PAGE_SHIFT),
            "create_mapping(4096, writable.executable(True))",
            "tables = get_kernel_mmi_ref().page_table",
            "f = allocate_frames(1)",
            "x = tables.map_allocated_pages_to(allocate_pages(1), f, writable)",
            "y = tables.map_allocated_pages_to(allocate_pages(1), f, writable)",
            "m.drop()",
            "v.release()",
            "m.drop()",
            "v[0]",
        ),
    ),
    (
        "Five ways to reach a table",
        (
            "Page tables lie in physical memory. To read one, the kernel must map it somewhere: all of memory at an",
            "offset, identity, a window of slots, a recursive entry, or wherever a function says. All tell the same.",
        ),
        (
            "from paging import *",
            "where = x.start_address",
            "OffsetPageTable().translate_addr(where)",
            "with RecursivePageTable() as t: t.translate_addr(where)",
            "",
            "with IdentityPageTable() as t: t.translate_addr(where)",
            "",
            "import memory",
            "with TemporaryPageTable(memory.frame_allocator.table_frames) as t: t.translate_addr(where)",
            "",
            "MappedPageTable(lambda frame: %#x + frame).translate_addr(where)" % LAYOUT["WINDOW_PAGE"],
        ),
    ),
    (
        "Demand paging at the prompt",
        (
            "A fault handler may map the page and say True: the processor tries the same instruction again. 4 MiB of",
            "addresses, and frames only for what is touched. map_file does so with a file, whose pages come and go",
            "through as many frames as you say.",
        ),
        (
            "from faults import on_fault",
            "lazy = PageRange.from_virt_addr(VirtualAddress(0x1000000000), 4 << 20)",
            "mapped = []",
            "def answer(fault):",
            "    pages = allocate_pages_at(fault.page.start_address, 1)",
            "    mapped.append(tables.map_allocated_pages(pages, writable))",
            "    return True",
            "",
            "handler = on_fault(lazy, answer)",
            "import uctypes",
            "b = uctypes.bytearray_at(0x1000000000, 4 << 20)",
            "for i in range(0, 4 << 20, 512 << 10): b[i] = 7",
            "",
            "'%d frames for %d pages' % (len(mapped), len(lazy))",
            "handler.cancel()",
            "while mapped: mapped.pop().drop()",
            "",
            "from replacement import map_file",
            "with open('digits', 'w') as file: size = file.write('0123456789' * 4000)",
            "",
            "f = map_file('digits', frames=2)",
            "bytes(f.memory[20000:20010])",
            "f.memory[39999] = 33",
            "f",
            "f.drop()",
        ),
    ),
    (
        "Huge pages",
        ("2 MiB in one entry: one table less to walk, one entry in the TLB. Aligned requests get them by themselves.",),
        (
            "big = create_mapping(4 << 20, writable)",
            "small = create_mapping(4 << 20, writable, huge=False)",
            "walk big.start_address",
            "walk small.start_address",
            "big.drop(); small.drop()",
        ),
    ),
    (
        "Page replacement",
        (
            "The processor marks what it touches: working_set draws the ACCESSED and DIRTY bits of a range, and clears",
            "them. With more pages than frames somebody has to go. First in, first out can do worse with more memory",
            "(Belady). A clock that looks at the ACCESSED bits often does better, not always: the chart has a tie.",
            "`help policies` names ten, and says how yours gets there; `examples` lists more.",
        ),
        (
            "from faults import working_set",
            "w = create_mapping(64 * 4096, writable)",
            "v = w.as_slice_mut('B')",
            "seen = working_set(w)",
            "for page in range(0, 64, 5): byte = v[page * 4096]",
            "",
            "for page in range(30, 34): v[page * 4096] = 1",
            "",
            "working_set(w)",
            "v.release(); w.drop()",
            "policies belady fifo frames=3,4",
            "policies favourites fifo clock random frames=2,4,6",
        ),
    ),
    (
        "Pages from a disk",
        (
            "A disk reads and writes memory by itself. Behind a mapping each fault has it bring a page into its frame;",
            "who goes was chosen by the policy, and is written back if it is dirty. `make run DISK=file` gives the",
            "machine a disk, and `truncate -s 16M file` makes the file. Without one you see what the driver says.",
        ),
        (
            "from devices.disk import Disk",
            "try:",
            "    with Disk() as disk, map_file(disk, frames=4) as on_disk:",
            "        first = [on_disk.memory[page << 12] for page in range(min(len(on_disk), 16))]",
            "        seen = '%d faults, %d evictions by %r' % (on_disk.faults, on_disk.evictions, disk)",
            "except Exception as error:",
            "    seen = error",
            "",
            "seen",
        ),
    ),
    (
        "What other processors remember",
        (
            "Each has a TLB of its own. When an entry changes, the others go on with what they remember until they",
            "are told: TLB shootdown. Here the change waits for its flush, and CPU 1 still writes to a page that is",
            "read-only by now; then it is told. `make run CPUS=2` gives the machine a CPU 1; else nobody is asked.",
        ),
        (
            "from paging import *",
            "from processors import processors",
            "c = create_mapping(4096, writable)",
            "place = c.start_address",
            "for ap in processors(): ap.write(place, 7)",
            "",
            "t, page = OffsetPageTable(), Page.containing_address(place)",
            "flags = t.translate(place).flags",
            "token = t.update_flags(page, flags - PteFlagsX86_64.WRITABLE)",
            "stale place",
            "token.flush()",
            "stale place",
            "for ap in processors(): ap.write(place, 8)",
            "",
            "cpus",
            "t.update_flags(page, flags).flush()",
            "c.drop()",
        ),
    ),
    (
        "Protection keys",
        (
            "Every page has a key from 0 to 15, and one register says what is forbidden for all pages of each. So many",
            "pages are closed and opened at once, no entry changes, and no TLB has to forget anything.",
        ),
        (
            "from paging.keys import key",
            "k = create_mapping(8192, writable.with_protection_key(5))",
            "key(5).rights = 'readable'",
            "poke k.start_address 1 8",
            "b = k.as_slice_mut('B')",
            "with key(5).writable(): b[0] = 42",
            "",
            "b[0]",
            "key",
            "key(5).rights = 'writable'",
            "b.release(); k.drop()",
        )
        if keys.supported()
        else ("key(5)",),
    ),
    (
        "Verify, and undo",
        (
            "`verify` audits everything: owners, rights over all levels, sums. Ctrl-D (or `reset`) starts afresh from",
            "the boot tables: whatever you did is undone, and every frame is free again. Try it now.",
        ),
        (
            "verify",
            "picture",
        ),
    ),
)


class Step(View):
    """One step: `.title`, `.text`, `.sources` (complete inputs). Printing it does nothing; `play` types it.

    `before` are steps whose lines run first, unseen: what they make is used.
    """

    def __init__(self, number, before=()):
        self.number = number
        self.before = before
        self.title, self.text, lines = STEPS[number - 1]
        self.sources = list(inputs(lines))

    def lines(self, width=WIDTH):
        yield "%d of %d: %s" % (self.number, len(STEPS), self.title)
        yield ""
        yield from paragraphs(self.text, width)
        yield ""
        for source in self.sources:
            yield from typed(source)

    def play(self, say, run_input):
        """Type the step: show each input and what it prints.

        say(text) prints on the screen that somebody reads, run_input(source) is what the prompt does with an input.
        """
        say("%d of %d: %s" % (self.number, len(STEPS), self.title))
        say("")
        say(Prose(self.text))
        if self.before:
            say("(What the steps before this one make was made just now, unseen.)")
            for number in self.before:
                Step(number).prepare()
        say("")
        for source in self.sources:
            for line in typed(source):
                say(line)
            run_input(source)
        more = "tour goes on" if self.number < len(STEPS) else "that was all; help lists the commands"
        say("")
        say("%s. What this step made is yours to play with." % more)

    def prepare(self):
        """Run the step's Python unseen, for what it makes; what it shows being refused is refused again."""
        for source in self.sources:
            try:
                exec(compile(source, "<tour>", "exec"), NAMES)
            except Exception:
                pass  # a command, or a refusal that the step is about


def inputs(lines):
    """Yield complete inputs: a compound statement takes the lines up to the next empty one."""
    block = []
    for line in lines:
        if block or line.endswith(":") or line.startswith(("with ", "for ", "while ", "def ", "try:")):
            if line == "":
                yield "\n".join(block) + "\n"
                block = []
            else:
                block.append(line)
        else:
            yield line
    if block:
        yield "\n".join(block) + "\n"


def typed(source):
    """Yield the lines of an input as the prompt shows them."""
    for place, line in enumerate(source.split("\n")):
        yield ("clew> " if place == 0 else "... ") + line


def run_as_typed(source, run_command, say):
    """Do with an input what the prompt does; what it raises is said. run_command(source) tells if it was one."""
    if run_command(source):
        return
    try:
        exec(compile(source, "<stdin>", "single"), NAMES)
    except Exception as error:
        message = " ".join([str(argument) for argument in error.args])
        say("%s: %s" % (type(error).__name__, message))


class Tour:
    """Where the reader is."""

    def __init__(self):
        self.next = 1

    def take(self, number):
        """Return the Step of a number, the next one if None, and move on; out of order, with those before it."""
        if number is None:
            number = self.next if self.next <= len(STEPS) else 1
        step = Step(number, () if number in (1, self.next) else range(1, number))
        self.next = number + 1
        return step
