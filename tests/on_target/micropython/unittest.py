# A small unittest for the four upstream tests that import it, sent to the kernel before them. MicroPython's source
# package lacks micropython-lib, and the kernel image has no use for it. Prints what upstream's runner looks for.

import sys


class SkipTest(Exception):
    pass


class Raises:
    def __init__(self, expected):
        self.expected = expected

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        assert kind is not None, "%r not raised" % self.expected
        self.exception = value
        return issubclass(kind, self.expected)


class TestCase:
    def setUp(self):
        pass

    def tearDown(self):
        pass

    @classmethod
    def setUpClass(cls):
        pass

    def assertEqual(self, first, second, message=""):
        assert first == second, message or "%r vs (expected) %r" % (first, second)

    def assertTrue(self, value, message=""):
        assert value, message or "%r should be true" % value

    def assertIn(self, value, container):
        assert value in container, "%r not in %r" % (value, container)

    def assertIsInstance(self, value, kind):
        assert isinstance(value, kind), "%r is not a %r" % (value, kind)

    def assertRaises(self, expected, function=None, *arguments, **options):
        context = Raises(expected)
        if function is None:
            return context
        with context:
            function(*arguments, **options)


def skipIf(condition, reason):
    return (lambda decorated: None) if condition else (lambda decorated: decorated)


def run_case(case, name):
    """Run one test method; return how it went: 0 passed, 1 failed, 2 raised, 3 skipped."""
    print("%s (%s) ..." % (name, case.__class__.__name__), end="")
    try:
        case.setUp()
        try:
            getattr(case, name)()
        finally:
            case.tearDown()
    except SkipTest as reason:
        print(" skipped:", reason)
        return 3
    except AssertionError as error:
        print(" FAIL:", error)
        return 1
    except Exception as error:
        print(" ERROR")
        sys.print_exception(error)
        return 2
    print(" ok")
    return 0


def main(module="__main__"):
    counts = [0, 0, 0, 0]
    names = __import__(module).__dict__
    for kind in list(names.values()):
        if isinstance(kind, type) and issubclass(kind, TestCase) and kind is not TestCase:
            kind.setUpClass()
            case = kind()
            for name in dir(case):
                if name.startswith("test"):
                    counts[run_case(case, name)] += 1
    print("-" * 70)
    print("Ran %d tests\n" % sum(counts))
    if counts[1] or counts[2]:
        print("FAILED (failures=%d, errors=%d)" % (counts[1], counts[2]))
    else:
        print("OK" + (" (skipped=%d)" % counts[3] if counts[3] else ""))


class unittest:
    """Stands in sys.modules for a module of that name."""


for _name in ("SkipTest", "TestCase", "skipIf", "main"):
    setattr(unittest, _name, globals()[_name])
sys.modules["unittest"] = unittest
