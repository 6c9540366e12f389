"""Count what the kernel's acts cost, in guest instructions.

Under `-icount shift=0` QEMU's time-stamp counter advances by one for each instruction, and this kernel has no periodic
interrupt, so a count is exact: two runs of one kernel give the same number. Elsewhere the same rows give time-stamp
counts, which are good for comparing orders of magnitude only.

A row is (name, prepare, count): prepare() makes what the row needs and returns the act, a function without arguments;
one act does `count` of what the name names. What the collector can't give back, `undo` has given back when the row is
over. The host's side (`make bench`) runs each row in a freshly reset kernel.
"""

import gc
from time import ticks_cpu

from memory import KernelError, get_kernel_mmi_ref

from diagnostics.boot_report import Ram

# Modules beside this one that have ROWS.
ROW_MODULES = ("bench_language", "bench_allocators", "bench_paging", "bench_ownership", "bench_faults", "bench_views")
ROW_MODULES += ("bench_objects", "bench_replacement", "bench_devices", "bench_disk", "bench_processors")
WARM_UPS = 2
SAMPLES = 5
UNITS = {"M": 20, "G": 30}

_to_undo = []
_left_out = 0


class MachineTooSmall(KernelError):
    """The row `name` needs a machine with `memory` of RAM."""

    def __init__(self, name, memory):
        self.name = name
        self.memory = memory
        super().__init__("%s: needs a machine with %s of RAM: make run MEMORY=%s" % (name, memory, memory))


def undo(function, *arguments):
    """Have a function called with these arguments when the row is over, also when it fails: the last one first."""
    _to_undo.append((function, arguments))


def leave_out(ticks):
    """Have so many ticks of the act that is going on not counted: a wait, which is not the kernel's."""
    global _left_out
    _left_out += ticks


def left_out():
    """How many ticks that were since the act began."""
    return _left_out


def rows():
    """Yield (name, prepare, count) of all row modules, in their order."""
    for module in ROW_MODULES:
        yield from getattr(__import__("diagnostics." + module), module).ROWS


def names():
    """Return the names of all rows. Raises ValueError if two are the same."""
    found = [name for name, _, _ in rows()]
    if len(set(found)) != len(found):
        raise ValueError("two bench rows have one name")
    return found


def machines():
    """Return {row name: what its machine has more than others}, of the row modules that have a MACHINE.

    {"memory": "12G"} is as much RAM, {"disk": n} a disk of n bytes, {"processors": n} as many CPUs.
    """
    found = {}
    for module in ROW_MODULES:
        rows_of = getattr(__import__("diagnostics." + module), module)
        if hasattr(rows_of, "MACHINE"):
            found.update({row[0]: rows_of.MACHINE for row in rows_of.ROWS})
    return found


def peers():
    """Return {row name: what others need for the same, as text}, of the row modules that have PEERS."""
    found = {}
    for module in ROW_MODULES:
        found.update(getattr(getattr(__import__("diagnostics." + module), module), "PEERS", {}))
    return found


def _nothing():
    pass


def _cost(act):
    """Return the smallest count of several acts, and the bytes of heap that the last one took."""
    global _left_out
    for _ in range(WARM_UPS):
        act()
    gc.collect()
    gc.disable()
    try:
        smallest = None
        for _ in range(SAMPLES):
            _left_out = 0
            before = ticks_cpu()
            act()
            after = ticks_cpu() - _left_out
            if smallest is None or after - before < smallest:
                smallest = after - before
        used = gc.mem_alloc()
        act()
        return smallest, gc.mem_alloc() - used
    finally:
        gc.enable()


def run(name):
    """Run one row; return (instructions, bytes of heap) per act, and the bytes that were live on the heap it ran on.

    The heap was collected just before. The cost of calling an empty function is taken off. What the row made is undone,
    also when it fails. Raises ValueError for a name that no row has, and MachineTooSmall.
    """
    needed = machines().get(name, {}).get("memory")
    # The loader keeps a little for itself.
    if needed is not None and Ram().usable_in_bytes < (int(needed[:-1]) << UNITS[needed[-1]]) * 0.9:
        raise MachineTooSmall(name, needed)
    for found, prepare, count in rows():
        if found == name:
            try:
                return _run(prepare, count)
            finally:
                _undo_all()
    raise ValueError("no bench row is called " + name)


def _run(prepare, count):
    empty, _ = _cost(_nothing)
    act = prepare()
    gc.collect()
    live = gc.mem_alloc()
    instructions, used = _cost(act)
    return (instructions - empty) / count, used / count, live


def _undo_all():
    while _to_undo:
        function, arguments = _to_undo.pop()
        function(*arguments)
    gc.collect()
    get_kernel_mmi_ref().page_table.reclaim()
