"""A check of a grader, its points, and the plugin of pytest that has the checks done, file by file.

    @points(20, "SDM volume 3, 4.7", "the page is not there")
    def test_a_page_gets_a_frame_when_it_is_touched(student):
        "What is asked, in a sentence."
        assert ..., "what was found"

A check is all or nothing. It begins on a kernel that was just reset, with the file loaded, and ends with a look at
whether the file replaced something of the kernel's.
"""

from dataclasses import dataclass

import pytest

from labs.student import Student
from labs.trouble import MachineDown, Trouble

BY_NAME = "points"


def points(count, look):
    """Give a check its points. look: where a student reads more, when it fails."""
    return pytest.mark.points(count, look)


@dataclass
class Result:
    """What came of one check of one file. found: None if it passed, else what was found instead."""

    file: str
    check: str
    asked: str
    look: str
    of: int
    found: str | None

    @property
    def points(self):
        """How many points it brings."""
        return 0 if self.found else self.of


class Grading:
    """The plugin, for one file after the other: begin() says which. Use it with `with`, or call stop().

    A grader's module may say SETTINGS, of the machine, and PRELUDE, what its own code imports there. `.results` has a
    Result for each check of the file. The machine stays for the next file of the same lab, until stop().
    """

    def __init__(self, limit_s, seed):
        self.limit_s, self.seed = limit_s, seed
        self._student = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def begin(self, path, wanted):
        """Take a file. wanted: the names of the checks that are wanted of it, nothing for all."""
        self.path, self.wanted, self.results = path, wanted, []
        if self._student is not None:
            self._student.take(path)

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "points(count, look): what a check is worth")

    def pytest_generate_tests(self, metafunc):
        metafunc.parametrize("student", [self.path], ids=[str(self.path)], indirect=True)

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if not self.wanted or checked_by(item) in self.wanted]

    @pytest.fixture
    def student(self, request):
        """The file, loaded into a kernel that was just reset."""
        if self._student is None:
            settings, prelude = getattr(request.module, "SETTINGS", {}), getattr(request.module, "PRELUDE", "")
            self._student = Student(self.path, self.limit_s, prelude, seed=self.seed, **settings)
        self._student.start()
        return self._student

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        result = yield
        pyfuncitem.funcargs["student"].check_kernel()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """Note what came of a check; in the report is what a student can use, and no lines of the grader's."""
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, KeyboardInterrupt):
            return report
        if call.when == "call" or (call.when == "setup" and report.failed):
            count, look = item.get_closest_marker(BY_NAME).args
            found = told(call.excinfo.value) if call.excinfo else None
            asked = " ".join(item.function.__doc__.split())
            result = Result(str(self.path), checked_by(item), asked, look, count, found)
            self.results.append(result)
            item.user_properties += [("points", result.points), ("of", count)]
            report.user_properties = item.user_properties
            if found and isinstance(call.excinfo.value, AssertionError | Trouble):
                report.longrepr = f"asked: {asked}\nfound: {found}\nlook:  {look}"
        return report

    def stop(self):
        """Stop the machine."""
        if self._student is not None:
            self._student.stop()
            self._student = None


def checked_by(item):
    """Return the name of the check that a test is."""
    return item.originalname.removeprefix("test_")


def told(error):
    """Return in words what a check found."""
    text = str(error).strip()
    if isinstance(error, AssertionError | Trouble | MachineDown):
        return text or "it was not so"
    return f"the grader failed: {type(error).__name__}: {text}"
