"""The boot order. port/main.c calls boot() at power-on and after every soft reset; then the prompt begins.

Nothing here runs in __main__, which stays the user's, and a tool that waits in the raw REPL sees no output.
"""

from time import ticks_cpu

import faults
import memory
from diagnostics.boot_report import Ram
from diagnostics.processor import Processor
from diagnostics.text import Table, size
from loader import disks
from loader.handover import loader_name
from memory_structs.mode import LEVELS, VIRTUAL_BITS
from paging.guard import NO_KEYS, Guard
from shell import prompt
from shell.terminal import TERMINAL


def boot(interactive):
    """Bring the machine up to the prompt. `interactive` is false when a tool reset us and waits in the raw REPL."""
    disks.set_import_path()  # first: from here on no file of the user's can stand in for a kernel module
    faults.init()  # early: from here on a fault explains itself
    prompt.install()  # early, so that the prompt has its commands even if a file system is broken
    memory.init_post_heap(memory.init(memory.BootInfo()))  # the loader's tables end, the kernel's own begin
    disks.mount_ram_disk()  # /: empty at power-on, kept by a soft reset
    not_mounted = disks.mount_modules()  # /boot, /rom: after /, which would hide them
    if interactive:
        print_banner()
        for name, error in not_mounted:
            TERMINAL.say("%s can't be mounted: %s" % (name, error))
    prompt.log("boot: at the prompt after %d ticks of the time-stamp counter\n" % ticks_cpu())


def print_banner():
    """Greet a person with what is true of this machine."""
    ram, processor = Ram(), Processor()
    TERMINAL.say("Clew: MicroPython on the bare machine, and its page tables are yours.")
    rows = [
        ("loader", loader_name()),
        ("paging", "%d levels of tables, %d-bit addresses" % (LEVELS, VIRTUAL_BITS)),
        ("RAM", "%s usable in %d regions" % (size(ram.usable_in_bytes), ram.usable_regions)),
        (
            "CPU",
            "%s, %d-bit physical addresses, pages of %s"
            % (processor.vendor, processor.physical_bits, ", ".join(processor.page_sizes)),
        ),
    ]
    if Guard.is_wanted:
        over = "key %d, over page tables and the allocators' records" % Guard.key
        rows.append(("guard", over if Guard.is_on else NO_KEYS))
    TERMINAL.show(Table(rows))
    TERMINAL.say("A command or Python: tour shows around, help lists the commands, exit leaves.")
