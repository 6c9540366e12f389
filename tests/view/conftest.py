"""The page of `make view` under test, in tabs of ours and in a browser."""

import os
import shutil

import pytest
from harness.page import WELCOME, Tab, View

CHROMIUM = ("chromium", "chromedriver")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="module")
def view():
    """A running `make view`, for the tests of a file: each leaves the kernel at its prompt."""
    view = View()
    yield view
    try:
        machines_id = view.machine()
    finally:
        ended = view.stop()
    assert ended == (0, f"{WELCOME}clew: SIGTERM: the page and its machine have ended\n")
    with pytest.raises(ProcessLookupError):
        os.kill(machines_id, 0)


@pytest.fixture
def tab(view):
    """A tab, with the kernel at its prompt."""
    tab = Tab(view)
    yield tab.at_prompt()
    tab.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium, driven by Selenium."""
    if not all(map(shutil.which, CHROMIUM)):
        pytest.skip("no chromium and chromedriver on this machine: tools/packages.py browser installs them")
    from selenium import webdriver  # noqa: PLC0415 (it takes a moment)

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for word in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}", "--window-size=1440,900"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()
