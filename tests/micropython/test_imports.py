"""An import that finds no memory raises MemoryError and leaves nothing: the next one is as the first."""

import pytest

# Every import has names that nobody has said before, for these need memory, too: modules on the RAM disk, one for each
# try, import what the kernel brings.
IMPORTS = {
    "a module with classes": "from examples.guard_page import Overrun, GuardedBuffer",
    "all of a module's names": "from examples.growing_stack import *",
    "a package": "import examples",
    "a module of a package": "import examples.zero_fill",
    "a module of this machine's files": "class Own:\n    def method(self, *more, named=None): return {'a': [named]}",
}


@pytest.mark.parametrize("what", IMPORTS)
def test_an_import_works_after_one_that_found_no_memory(kernel, what):
    kernel.exec(f"""
        import sys, os, _inject
        loaded = set(sys.modules)
        def attempt(name):
            exec("from %s import *" % name, {{}})
        def run(n):
            name = "imported%d" % n
            with open(name + ".py", "w") as file:
                file.write({IMPORTS[what]!r} + "\\nworks = True\\n")
            raised, missing = None, set()
            _inject.fail_allocation(n)
            try:
                attempt(name)
                left = _inject.fail_allocation(0)
            except BaseException as error:
                left = _inject.fail_allocation(0)
                raised = error
                missing = {{key for key, value in sys.modules.items() if type(value) is not type(sys)}}
            try:
                attempt(name)
                done = sys.modules[name].works
            except BaseException as error:
                done = error
            os.remove(name + ".py")
            for name in set(sys.modules) - loaded: del sys.modules[name]
            return left, type(raised), missing, done
        """)
    kernel.exec(
        """
        wrong, n, left = [], 0, 0
        while not left:
            n += 1
            left, raised, missing, done = run(n)
            if missing or done is not True or raised not in (type(None), MemoryError):
                wrong.append((n, raised, missing, done))
        """,
        timeout=60,
    )
    assert kernel.eval("repr(wrong)") == "[]"
    assert kernel.eval("n") > 10
