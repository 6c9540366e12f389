# Trouble at every point of everything that a Swapped does. Runs after prelude.py.
import _critical
import _inject

MANY = 1 << 40


def read_5():
    memory[5 * PAGE_SIZE]


def read_next():
    memory[1 * PAGE_SIZE]


def change_policy():
    s.policy = "fifo"


# name: (what makes the state, what is done)
OPERATIONS = {
    "a fault, a frame is free": (lambda: new((0,), (1,)), read_5),
    "a fault, a clean page goes": (lambda: new((), (0, 1, 2)), read_5),
    "a write, a dirty page goes": (lambda: new((0, 1, 2)), lambda: write(5, 77)),
    "a fault reads ahead": (lambda: new((0,), frames=6, cluster=4), read_next),
    "sync": (lambda: new((0, 2), (1,)), lambda: s.sync()),
    "drop": (lambda: new((0, 2), (1,)), lambda: s.drop()),
    "another policy": (lambda: new((0, 2), (1,)), change_policy),
    "a tick": (lambda: new((0, 2), (1,)), lambda: s.tick()),
}


def tried(name, arm, disarm, allowed):
    """Do an operation with trouble at its n-th point, for every n. Returns (points, [(n, what was raised, wrong)])."""
    make, act = OPERATIONS[name]
    wrong, n = [], 1
    while True:
        make()
        raised = None
        try:
            arm(n)
            act()
            left = disarm()
            for _ in range(2):
                pass  # where a Ctrl-C that came at the last moment strikes
        except BaseException as error:
            raised = type(error).__name__
            left = disarm()
        try:
            found = faults_of_state() + end()
        except Exception as error:
            found = ["%s: %s" % (type(error).__name__, error)]
            s.drop(write_back=False)
        if raised not in allowed:
            found.append("raised")
        if _critical.depth():
            found.append("the guard is held")
        if n % 16 == 1 or left:
            found += verify().violations
        if found:
            wrong.append((n, raised, found))
        if left:
            return n, wrong
        n += 1


def fail_allocations(name):
    return tried(name, _inject.fail_allocation, lambda: _inject.fail_allocation(0), (None, "MemoryError"))


def interrupt(name):
    return tried(name, _inject.interrupt, lambda: _inject.interrupt(0), (None, "KeyboardInterrupt"))


def call_back(name):
    """A scheduled callback writes two pages and synchronises: it is answered, or told that this is not the moment."""

    def callback(_):
        for act in (lambda: write(6), lambda: write(0), lambda: s.sync()):
            try:
                act()
            except KernelError as error:
                if type(error).__name__ not in ("Busy", "UseAfterMove"):
                    raise
            except faults.PageFault:
                if s:
                    raise

    return tried(name, lambda n: _inject.call(n, callback), lambda: _inject.call(0, None), (None,))
