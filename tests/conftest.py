"""Fixtures: machines under supervision. Whatever a test did to its machine, the next test gets a fresh one.

Fresh is a machine that was just booted, or one that a test left as a boot does: see harness/spare.py.
"""

import os

import hypothesis
import machine
import pytest
import settings
from harness import BOOT_TIMEOUT_S, BochsGuest, GuestFailure, Kernel, QemuGuest, UnixPython, depth, guard
from harness.aliases import check_aliases
from harness.disks import SETUP, words
from harness.example_objects import compile_example
from harness.spare import GUESTS, PASSED, Spare
from on_target import source

# A machine shared with others has slow moments: only the test's own time limit counts.
hypothesis.settings.register_profile("clew", deadline=None)
hypothesis.settings.load_profile("clew")


ROUNDS = 8


@pytest.fixture
def boot(request):
    """A function that boots a machine and returns its guest: boot(memory="32M", boot="iso", ...).

    Settings are those of tools/machine.py's Machine. All are stopped at the end; one that failed, or ended
    unasked, fails the test.
    """
    guests = request.node.stash.setdefault(GUESTS, [])

    def start(**settings):
        guest = QemuGuest(**settings)
        guests.append(guest)
        return guest

    yield start
    finish(guests, request.node)


@pytest.fixture
def disks(boot, tmp_path):
    """A function that boots a machine with disks (harness/disks.py), whose images are in its `.folder`, and returns a
    kernel with the names that their tests need: disks((image(), ""), ...)."""

    def start(*wanted, settings="", **machine):
        guest = boot(extra=words(tmp_path, *wanted, settings=settings), **machine)
        guest.console.wait_for_prompt(60)
        kernel = Kernel(guest, timeout=60)
        kernel.folder = tmp_path
        kernel.exec(SETUP)
        return kernel

    return start


@pytest.fixture
def boot_bochs(request):
    """A function that boots a machine in Bochs and returns its guest."""
    guests = request.node.stash.setdefault(GUESTS, [])

    def start(**settings):
        guest = BochsGuest(**settings)
        guests.append(guest)
        return guest

    yield start
    finish(guests, request.node)


def finish(guests, node):
    """Stop machines; raise the failure of the first that ended unasked without anybody having noticed, or that can
    write what it can execute."""
    unnoticed = None
    for guest in guests:
        try:
            if not guest.failure:
                guest.check()
                check_aliases(guest, node)
        except (GuestFailure, AssertionError) as failure:
            unnoticed = unnoticed or failure
        guest.stop()
    guests.clear()
    if unnoticed:
        raise unnoticed


@pytest.fixture
def guest(boot):
    """A machine at its prompt."""
    guest = boot()
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S["pvh"])
    return guest


@pytest.fixture
def console(guest):
    """The console of a machine at its prompt, for what a person types and sees."""
    return guest.console


@pytest.fixture(scope="session")
def spare():
    """The machine that the last test left whole, if there is one."""
    spare = Spare()
    yield spare
    spare.stop()


@pytest.fixture
def kernel(request, boot, spare):
    """A kernel to run Python in: kernel.exec(code), kernel.eval(expression); kernel.guest is its machine.

    After the test, whatever it did, a soft reset must leave what the allocators count as it was at boot.
    """
    yield from spare.lend(request.node, boot)


@pytest.fixture
def memory_kernel(kernel):
    """A kernel with the names of `memory` in __main__, RW and RX, and clutter() to overwrite forgotten references.

    After the test, with its variables gone, every frame must be free that was free before, and verify() find nothing.
    """
    kernel.exec(source("memory/names"))
    names = kernel.eval("sorted(globals())")
    before = kernel.eval("free()")
    yield kernel
    kernel.exec(f"for name in set(globals()) - set({names!r}): del globals()[name]")
    for turn in range(ROUNDS):  # a word that the collector takes for a reference goes when something else lies there
        kernel.exec(f"overwrite({turn}); clutter(); gc.collect(); clutter(); gc.collect(); clutter()")
        if kernel.eval("free()") == before:
            break
    assert kernel.eval("free()") == before, "frames or pages did not come back"
    assert kernel.eval("memory.verify().violations") == []


@pytest.fixture(scope="session")
def spare_bochs():
    """The second machine that the last test left whole, if there is one."""
    spare = Spare(boot_timeout_s=60, is_held=True)
    yield spare
    spare.stop()


@pytest.fixture
def bochs_kernel(request, boot_bochs, spare_bochs):
    """A kernel to run Python in, on the second machine; what is said of `kernel` is true of this one, too."""
    yield from spare_bochs.lend(request.node, boot_bochs, lambda guest: Kernel(guest, timeout=30))


@pytest.fixture(scope="session")
def example_object(tmp_path_factory):
    """A function that compiles an example object, once, and returns its path: example_object("counter.c")."""
    folder = tmp_path_factory.mktemp("objects")
    return lambda name: compile_example(name, folder)


@pytest.fixture
def unix_python():
    """MicroPython on this machine, with kernel/ as its path: for pure logic only."""
    process = UnixPython()
    yield process
    process.close()


def pytest_xdist_auto_num_workers():
    """One more than there are CPUs, for a test waits while its machine computes, and the machine for the test."""
    return os.cpu_count() + 1


def pytest_collection_modifyitems(items):
    """Begin with what takes long, so that no worker is alone with it at the end; then what shares a Bochs.

    The report in XML says of a test that it is one of these.
    """
    for item in items:
        item.user_properties += [("mark", name) for name in ("slow", "bochs") if item.get_closest_marker(name)]
        if depth.LEVELS != machine.FOUR_LEVELS and any(map(item.get_closest_marker, ("bochs", "four_levels"))):
            item.add_marker(pytest.mark.skip(reason="about four levels of page tables"))
        if guard.GUARD and (why := guard.why_left_out(item)):
            item.add_marker(pytest.mark.skip(reason=why))
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("slow", "bochs")])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember that a test passed, for what comes after; or add to its report what its machines said, and who had them
    before."""
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    if report.failed and call.when == "call":
        for number, guest in enumerate(item.stash.get(GUESTS, [])):
            if guest.left_by:
                report.sections.append((f"machine {number}", f"left whole by {guest.left_by}"))
            if not guest.failure:
                report.sections.append((f"machine {number}", guest.tails()))
    return report


def pytest_sessionstart(session):
    """Run nothing with a setting that can't be meant, or that QEMU refuses."""
    if not hasattr(session.config, "workerinput") and (
        found := settings.complaint() or settings.refusal(machine.Machine(console="null"))
    ):
        raise pytest.UsageError(f"clew: {found}")


def pytest_report_header():
    """Say which products the tests run on."""
    kernel = machine.BUILD / "kernel.elf"
    return f"kernel: {kernel}" + ("" if kernel.exists() else " (MISSING: run `make test`, not pytest)")
