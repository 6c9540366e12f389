"""The page in a real browser: typed into, clicked, watched, and left alone while machines come and go."""

import contextlib
import time

import pytest
from harness.page import View
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SECOND = 1
PATIENCE_S = 20
VIEWPORTS = [(1440, 900), (1920, 1080), (1024, 700), (800, 1000)]
# What a machine that does nothing else shows within a second may take longer on one that is shared.
SLOWNESS = 3

# Lets a test cut the connection of the page, as the end of a network does.
LOSE = """window.WebSocket = class extends WebSocket {
    constructor(...all) { super(...all); window.lose = () => this.close(); }
};"""


# What of the page's text has less contrast with what it stands on than WCAG asks for (AA): its letters and the ratio.
PALE = """const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const linear = (part) => part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
    const brightness = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) + 0.05;
    const found = [];
    for (const each of document.querySelectorAll("body *:not(svg *):not(.xterm *)")) {
        const hasText = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!each.checkVisibility() || !hasText) continue;
        let ground = each;
        while (channels(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
        const pair = [getComputedStyle(each).color, getComputedStyle(ground).backgroundColor];
        const [dark, light] = pair.map((colour) => brightness(channels(colour))).sort((a, b) => a - b);
        if (light / dark < 4.5) found.push([each.textContent.slice(0, 20), light / dark]);
    }
    return found;"""


@pytest.fixture(scope="module")
def page(browser):
    """A page at its prompt."""
    view = View()
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LOSE})
    browser.get(view.url)
    page = Page(browser, view)
    page.until(lambda: "at the prompt" in page.text("#state"))
    yield page
    view.stop()


class Page:
    """What a person does with the page, and sees."""

    def __init__(self, browser, view):
        self.browser, self.view = browser, view

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector).text

    def until(self, condition, seconds=PATIENCE_S):
        """Wait for a condition; return its value and how many seconds it took."""
        began = time.monotonic()
        value = WebDriverWait(self.browser, seconds, 0.02).until(lambda _: condition())
        return value, time.monotonic() - began

    def type(self, text):
        self.browser.find_element(By.CSS_SELECTOR, ".xterm-helper-textarea").send_keys(text)

    def line(self, text):
        """Type a line, and wait until its prompt is there."""
        before = self.screen()
        self.type(text + "\n")
        self.until(lambda: self.screen() != before and text in self.screen() and self.screen().endswith("clew>"))

    def screen(self):
        return self.text(".xterm-rows").strip()

    def count(self, selector):
        script = "return document.querySelectorAll(arguments[0]).length"
        return self.browser.execute_script(script, selector)

    def changes(self):
        return self.text("#changes")

    def do(self, act):
        """Do what needs elements of the drawing; once more if it was drawn anew in between. Return what it returns."""
        while True:
            with contextlib.suppress(StaleElementReferenceException):
                return act()

    def click(self, selector):
        """Click the first that a selector finds; return how many entries it is."""

        def act():
            element = self.all(selector)[0]
            ActionChains(self.browser).move_to_element(element).click().perform()
            return int(element.get_dom_attribute("data-count"))

        return self.do(act)


def test_a_mapping_appears_within_a_second_and_lights_up(page):
    page.line("from memory import *")
    before = page.count("#drawing .entry[data-level='1']")
    page.type("m = create_mapping(1 << 16, PteFlags())\n")
    _, took = page.until(lambda: page.count("#drawing .entry[data-level='1']") > before)
    assert took < SECOND * SLOWNESS
    assert page.changes() == "the last command changed 1 place"
    assert page.count("#drawing .changed") == 1
    page.until(lambda: "64 KiB" in page.text("#owners"))
    assert "as of" not in page.text("#memory h2")


@pytest.mark.four_levels
def test_four_clicks_lead_from_the_root_to_a_page(page):
    page.line("from memory import *")
    page.line("import gc; m = None; gc.collect()")  # what the last test had may lie beside, and look alike
    page.line("m = create_mapping(1 << 16, PteFlags())")
    pool = "#drawing .entry[data-level='4'][data-page='ffffc00000000']"
    page.do(lambda: ActionChains(page.browser).scroll_from_origin(origin_of(page.all(pool)[0]), 0, -600).perform())
    page.until(lambda: page.do(lambda: page.all(pool)[0].rect["height"]) > 6)
    page.click(pool)
    page.until(lambda: page.count(".crumbs button") == 2)
    assert page.text(".crumbs").split() == ["CR3", "→", "P4[384]"]
    for level in (3, 2, 1):
        crumbs = page.count(".crumbs button")
        page.all(f"#entry li button[data-level='{level}']")[-1].click()
        page.until(lambda crumbs=crumbs: page.count(".crumbs button") == crumbs + 1)
        assert page.count("#drawing .entry.way") == crumbs, "the way is marked in the drawing"
    assert page.count("#drawing .entry.chosen") == 1
    assert "a 4 KiB page at p0x" in page.text("#entry")
    bits = {row.text.split()[1]: row.text.split()[2] for row in page.all("#entry table tr")}
    assert [bits[name] for name in ("P", "W", "U", "NX", "EXCL")] == ["1", "0", "0", "1", "1"]
    page.line("m.remap(PteFlags().writable(True))")
    page.until(lambda: "rw- kernel" in page.text("#entry"))
    page.line("m.drop()")
    page.until(lambda: "not present" in page.text("#entry"))


@pytest.mark.four_levels
def test_a_click_shows_the_entry_below_it_and_not_the_first_of_its_run(page):
    page.all("#whole")[0].click()
    entries = page.click("#drawing .entry[data-level='1'][data-page='ffff800000000']")
    page.until(lambda: "P4[256]" in page.text(".crumbs") and page.count(".crumbs button") == 5)
    index = int(page.text(".crumbs").rpartition("[")[2].rstrip("]"))
    assert abs(index - entries // 2) < 20


def test_wheel_and_drag_and_keys_move_the_drawing(page):
    def box():
        return [float(n) for n in page.all("#drawing svg")[0].get_dom_attribute("viewBox").split()]

    page.all("#whole")[0].click()
    whole, place = box(), page.all("#drawing")[0]
    ActionChains(page.browser).scroll_from_origin(origin_of(place), 0, -200).perform()
    page.until(lambda: box()[2] < whole[2])
    zoomed = box()
    ActionChains(page.browser).move_to_element(place).click_and_hold().move_by_offset(-50, -30).release().perform()
    page.until(lambda: box()[0] > zoomed[0] and box()[1] > zoomed[1])
    page.line("from memory import *")
    page.line("n = create_mapping(4096, PteFlags())")
    page.until(lambda: "1 place" in page.changes())
    assert box()[2] == pytest.approx(zoomed[2]), "a new drawing keeps the zoom"
    page.all("#whole")[0].click()
    page.until(lambda: box()[:3] == pytest.approx(whole[:3]))


def test_the_keyboard_alone_reaches_every_entry_and_keeps_its_place(page):
    """Backwards out of the terminal, down the lists, to an address; what changes meanwhile does not move the focus."""

    def press(*keys):
        page.browser.switch_to.active_element.send_keys(*keys)

    def focused():
        script = "const { id, dataset, ariaLabel } = document.activeElement; return id || dataset.key || ariaLabel"
        return page.browser.execute_script(script)

    def back_to(name):
        for _ in range(40):
            if focused() == name:
                return
            press(Keys.SHIFT, Keys.TAB)
        pytest.fail(f"{name} can't be reached")

    page.line("from memory import *")
    page.line("k = create_mapping(5 << 12, PteFlags())")
    before = page.screen()
    back_to("root")
    press(Keys.ENTER)
    page.until(lambda: page.count(".crumbs button") == 1)
    press(Keys.TAB)
    assert focused().startswith("below "), "what the root has comes next"
    press(Keys.ENTER)
    page.until(lambda: page.count(".crumbs button") == 2)
    page.until(lambda: focused().startswith("way "))  # what was chosen
    back_to("address")
    press(Keys.CONTROL, "a")
    press("nonsense", Keys.ENTER)
    page.until(lambda: "an address is wanted" in page.text("#mistake"))
    press(Keys.CONTROL, "a")
    press("v0x1000\n")
    page.until(lambda: "leads to: not present" in page.text("#found") and page.text("#mistake") == "")
    back_to("changes")
    press(Keys.ENTER)
    back_to("whole")
    press(Keys.ENTER)
    assert page.screen() == before, "nothing of this was typed into the prompt"
    unnamed = """return [...document.querySelectorAll("button, input, section, [tabindex]")].filter((each) =>
        each.checkVisibility() && !(each.ariaLabel || each.labels?.length || each.textContent.trim())).length"""
    assert page.browser.execute_script(unnamed) == 0
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert page.browser.execute_script(outline) == "solid", "the focus can be seen"


def test_too_long_a_paste_is_refused_whole(page):
    before = page.screen()
    paste = "const data = new DataTransfer(); data.setData('text/plain', 'x'.repeat(300000));"
    where = "document.querySelector('.xterm-helper-textarea')"
    event = "new ClipboardEvent('paste', { clipboardData: data, bubbles: true })"
    page.browser.execute_script(f"{paste} {where}.dispatchEvent({event});")
    page.until(lambda: "200 KiB can be pasted at once" in page.text("#notice"))
    assert page.screen() == before
    assert "at the prompt" in page.text("#state")


def origin_of(element):
    """Return where the wheel is turned."""
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin  # noqa: PLC0415 (used here alone)

    return ScrollOrigin.from_element(element)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", VIEWPORTS, ids=lambda size: f"{size[0]}x{size[1]}")
def test_it_fits_its_window_by_day_and_night(page, size, scheme):
    """80 columns without scrolling, nothing wider than the window, and letters that can be read on their ground."""
    command = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", command)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page.until(lambda: page.browser.execute_script(PALE) == [])
    script = """const at = (name) => document.querySelector(name).getBoundingClientRect();
    const ink = (name, what) => getComputedStyle(document.querySelector(name))[what];
    return [document.documentElement.scrollWidth <= innerWidth, at(".xterm-screen").right <= at("#console").right,
        at("#tables").height >= 300, at("#tables").width >= 380, ink("body", "color"), ink("body", "backgroundColor"),
        ink("#drawing svg text", "fill"), ink("#drawing .ground", "fill")]"""
    page.until(lambda: page.browser.execute_script(script)[:4] == [True] * 4)
    ink, ground, text, paper = page.browser.execute_script(script)[4:]
    for light, dark in ((ground, ink), (paper, text)) if scheme == "light" else ((ink, ground), (text, paper)):
        assert sum(map(int, light[4:-1].split(", "))) > sum(map(int, dark[4:-1].split(", "))) + 400


def test_after_a_reset_the_page_goes_on_and_after_an_end_it_starts_again(page):
    page.type("\x04")
    page.until(lambda: "A command or Python" in page.screen() and page.screen().endswith("clew>"))
    page.line("6 * 7")
    assert "42" in page.screen()
    page.type("exit\n")
    page.until(lambda: "the machine has ended: the kernel exited successfully" in page.text("#state"))
    assert page.count("#drawing .entry") > 20, "its tables are as it left them"
    page.all("#start")[0].click()
    page.until(lambda: "at the prompt" in page.text("#state"))
    page.line("7 * 8")
    assert "56" in page.screen()


def test_a_lost_connection_is_made_anew(page):
    """By the page itself, as after a suspended laptop; and by a person, who loads it again."""
    page.line("kept = 5")
    page.browser.execute_script("window.lose()")
    page.until(lambda: "the connection is lost" in page.text("#state"))
    page.until(lambda: "kept = 5" in page.screen() and "at the prompt" in page.text("#state"))
    page.line("kept + 1")
    page.browser.refresh()
    page.until(lambda: "kept + 1\n6" in page.screen() and "at the prompt" in page.text("#state"))


def test_nothing_was_complained_of_in_the_browsers_console_and_the_end_is_said(page):
    assert page.browser.get_log("browser") == []
    page.view.stop()
    page.until(lambda: "`make view` has ended" in page.text("#state"))
