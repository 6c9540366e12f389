"""Commands about who owns what: frames, pages, owners, the audit, and pictures of all that."""

import memory

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import AnythingKind, WordKind
from shell.later import later

Frames, Owners, Pages = [later("diagnostics.census", name) for name in ("Frames", "Owners", "Pages")]
Screen = later("diagnostics.screen", "Screen")
PICTURES = {
    "memory": later("diagnostics.picture", "Picture"),
    "pool": later("diagnostics.picture", "PoolPicture"),
    "screen": later("diagnostics.screen", "draw"),
}
LIVE = "live"
show_live = later("shell.live", "show_live")


@command("frames", "What RAM is used for, and its largest free runs.")
def frames():
    return Frames()


@command("pages", "What the address space is used for.")
def pages():
    return Pages()


@command("owners", "Every mapping that somebody owns.")
def owners():
    return Owners()


@command(
    "verify",
    "Audit all of memory: owners, rights over all levels, sums.",
    details=(
        "It believes nobody: it walks all tables, and looks at every frame. What it counts:",
        "  owned mappings   each has one owner (`owners` lists them); the kernel's own among them",
        "  pages            their 4 KiB pages; most are the physical window's, which shows 4 GiB or more",
        "  page tables      the roots and all tables that hang in them; each is one frame",
    ),
)
def verify():
    return memory.verify()


@command(
    "picture",
    "Draw RAM, or the kernel's page pool, with a letter for each use.",
    Argument("what", WordKind("WHAT", tuple(PICTURES) + (LIVE,)), "memory"),
    Argument("steps", AnythingKind("STEPS"), repeated=True),
    details=(
        "picture            physical memory, here",
        "picture pool       the virtual pages that were handed out",
        "picture screen     physical memory on the machine's own display (boot through the ISO)",
        "picture live       physical memory while pieces of it are mapped and dropped, in place",
        "picture live (f(n) for n in range(9))      the same, after each of your own steps",
    ),
)
def picture(what, steps):
    if what == LIVE:
        return show_live(steps)
    if steps:
        raise UsageError("only `picture live` takes more: %s" % steps[0])
    return PICTURES[what]()


@command(
    "screen",
    "The letters on the machine's own display (VGA text), row by row.",
    details=("The machine of `make run` has none; that of `make run BOOT=iso` does.",),
)
def screen():
    return Screen()
