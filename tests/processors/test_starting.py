"""All the CPUs come that the machine says it has; who is not there is refused by name. Other loaders: tests/boot."""

from harness import BOOT_TIMEOUT_S, Kernel, depth

LOW_PAGES = range(1, 0xA0)
COME = "from processors import *\nfound = processors()\nstates = [each.state for each in found]"


def started(guest):
    """Return a kernel of a machine at its prompt."""
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S["pvh"])
    return Kernel(guest, timeout=60)


def test_sixty_four_come(boot):
    kernel = started(boot(processors=64))
    kernel.exec(COME)
    assert kernel.eval("states") == ["parked"] * 63
    assert kernel.eval("__import__('_processors').came()") == (1 << 64) - 2
    assert kernel.eval(f"found[62].read({depth.WINDOW:#x}) == found[0].read({depth.WINDOW:#x})")
    assert kernel.eval("__import__('memory').verify().violations") == []


def test_low_memory_is_afterwards_what_it_was(boot):
    """And only those that are enabled are counted: two places for more are empty."""
    guest = boot(extra=("-smp", "2,maxcpus=4"))
    kernel = started(guest)
    kernel.exec("import processors")
    pages = {n: guest.memory.read(n * 4096, 4096) for n in LOW_PAGES}
    counts = "[a.statistics().tables for a in (__import__('memory').frame_allocator,)]"
    before = kernel.eval(counts)
    assert kernel.eval("len(processors.processors())") == 1
    assert kernel.eval("processors.starting.apic_ids()") == [0, 1]
    assert {n: guest.memory.read(n * 4096, 4096) for n in LOW_PAGES} == pages
    assert kernel.eval(counts) == before


def test_who_is_not_there(kernel):
    kernel.exec("from processors import *\nfrom processors.errors import *")
    with kernel.raises("NoSuchProcessor", match="CPU 1 is not there: this machine has one .make run CPUS=4"):
        kernel.exec("processor(1)")
    with kernel.raises("NoSuchProcessor", match="CPU 0 runs Python itself"):
        kernel.exec("processor(0)")
    with kernel.raises("TypeError", match="an int"):
        kernel.exec("processor('1')")


def test_who_is_not_there_among_two(pair):
    with pair.raises("NoSuchProcessor", match="CPU 2 is not there: the other one of this machine is 1"):
        pair.exec("processor(2)")
    with pair.raises("TypeError", match="a PageTable expected"):
        pair.exec("ap.attach(3)")
    with pair.raises("TypeError", match="takes 1 arguments, 2 were given"):
        pair.exec("ap.call(READ, 1, 2)")
    with pair.raises("TypeError", match="what has a virtual address"):
        pair.exec("ap.read(PhysicalAddress(0))")


def test_without_acpi_there_is_one(boot):
    kernel = started(boot(processors=2, extra=("-machine", "acpi=off")))
    with kernel.raises("NoSuchProcessor"):
        kernel.exec("from processors import processor\nprocessor(1)")
