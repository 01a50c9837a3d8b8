"""`tfstyle web` in a real browser: what people do there, with a worker that only pretends."""

import contextlib
import http.server
import re
import threading

import numpy as np
import pytest
from PIL import Image
from web_worker import serving

from tools import web_browser

sync_api = pytest.importorskip("playwright.sync_api", reason='pip install ".[browser]"')
expect = sync_api.expect
expect.set_options(timeout=20_000)  # machines may be busy


@pytest.fixture(scope="module")
def browser():
    try:
        with web_browser.launched() as browser:
            yield browser
    except LookupError as missing:
        pytest.skip(str(missing))


class Watched(list):
    """What went wrong on a page: requests elsewhere, failed ones, errors of its program."""

    def __init__(self, page, url):
        super().__init__()
        self.url = url
        page.on("pageerror", lambda error: self.append(f"error: {error}"))
        page.on("console", lambda told: self.append(told.text) if told.type == "error" else None)
        page.on("request", self.check)
        page.on("response", lambda got: self.append(got.url) if got.status >= 400 else None)

    def check(self, request):
        if not request.url.startswith((self.url, "data:", f"blob:{self.url}")):
            self.append(f"foreign: {request.url}")


@contextlib.contextmanager
def opened(browser, folder, **viewport):
    size = {"width": 1280, "height": 900} | viewport
    with serving(folder) as url, contextlib.closing(browser.new_page(viewport=size)) as page:
        page.set_default_timeout(30_000)
        page.wrong = Watched(page, url)
        page.goto(url)
        page.locator("html[data-ready]").wait_for()
        yield page


def begin(page, evaluations, size=64, examples=("chelsea", "strokes")):
    for name in examples:
        page.get_by_label(f"Example: {name}").click()
    page.get_by_label("Size in pixels").fill(str(size))
    page.get_by_label("Evaluations").fill(str(evaluations))
    expect(page.locator("#estimate")).to_contain_text("About 7\u00a0s")
    page.get_by_role("button", name="Paint", exact=True).click()


def test_paint_reload_in_the_middle_stop_and_take_home(browser, tmp_path):
    with opened(browser, tmp_path) as page:
        begin(page, 400)
        expect(page.locator("#state")).to_contain_text(re.compile(r"scale 1 of 2, \d+ %"))
        expect(page.locator("#picture")).to_have_attribute("src", re.compile("/live"))
        page.reload()
        page.locator("html[data-ready]").wait_for()
        expect(page.locator("#state")).to_contain_text(re.compile(r"\d+ of 400 evaluations"))
        expect(page.get_by_label("Evaluations")).to_have_value("400")  # the form is as it was
        page.get_by_role("button", name="Stop and keep it").click()
        expect(page.locator("#state")).to_contain_text("Stopped after")
        shown = page.locator("#curve svg")
        expect(shown).to_have_attribute("aria-label", re.compile("The loss went from 1.00 to 0.0"))
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == "chelsea_strokes.png"
        with Image.open(download.value.path()) as picture:
            assert picture.size == (64, 64) and "--evaluations=400" in picture.info["tfstyle"]
        slider = page.locator("#slider")
        slider.focus()
        slider.press("Home")
        assert page.locator("#canvas").evaluate("at => at.style.getPropertyValue('--at')") == "0%"
        assert page.wrong == []


def test_a_bad_file_is_told_and_two_runs_queue_and_compare(browser, tmp_path):
    bad = tmp_path.parent / "bad.png"
    bad.write_text("no picture")
    good = tmp_path.parent / "mine.png"
    Image.fromarray(np.zeros((80, 120, 3), np.uint8)).save(good)
    with opened(browser, tmp_path) as page:
        page.get_by_label("Photograph: choose a file").set_input_files(bad)
        expect(page.locator("[data-slot=content] .error")).to_contain_text("bad.png: expected a")
        assert all("400" in each or "/api/pictures?name=bad.png" in each for each in page.wrong)
        page.wrong.clear()
        page.get_by_label("Photograph: choose a file").set_input_files(good)
        expect(page.locator("[data-slot=content] .error")).to_be_empty()
        begin(page, 400, examples=["strokes"])
        expect(page.locator("#state")).to_contain_text("%")
        begin(page, 10, examples=["mosaic"])
        expect(page.locator("#state")).to_contain_text("Waiting: 1 before it")
        page.locator("#gallery li", has_text="evaluations 400").locator("button").click()
        page.get_by_role("button", name="Stop and keep it").click()
        expect(page.locator("#gallery")).to_contain_text("done · size 64, evaluations 10")
        for tick in page.locator("#gallery .tick").all():
            tick.check()
        page.get_by_role("button", name="Compare those ticked").click()
        expect(page.locator("#sheet figcaption")).to_have_text(
            ["evaluations 400", "evaluations 10"]
        )
        expect(page.locator("#sheet a")).to_have_attribute("href", re.compile("^data:image/png"))
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Use these settings").click()
        expect(page.get_by_label("Evaluations")).to_have_value("400")
        assert page.wrong == []


def test_a_mask_is_drawn_by_keyboard_and_a_texture_is_laid_on_a_phone(browser, tmp_path):
    with opened(browser, tmp_path, width=390, height=844) as page:
        begin(page, 5)
        expect(page.locator("#state")).to_contain_text("Done")
        page.get_by_role("button", name="Draw where it goes").click()
        page.keyboard.press("Space")
        page.get_by_role("button", name="Invert").click()
        page.get_by_role("button", name="Keep the mask").click()
        expect(page.get_by_role("button", name="Change its mask")).to_be_visible()
        (path,) = [path for path in tmp_path.iterdir() if path.is_file() and not path.suffix]
        with Image.open(path) as drawn:
            mask = np.array(drawn.convert("L"))
        middle = mask[mask.shape[0] // 2, mask.shape[1] // 2]
        assert (middle, mask[0, 0]) == (0, 255)  # painted white, then turned round
        page.get_by_label("Make a texture").check(force=True)
        begin_texture(page)
        page.get_by_label("Lay it 2 × 2").check()
        expect(page.locator("#tiled")).to_have_css("background-size", "50% 50%")
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]
        assert unlabelled(page) == []
        assert page.wrong == []


@contextlib.contextmanager
def another_server():
    """The address of a server that shows a folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_another_page_of_the_same_browser_gets_nothing(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        serving(tmp_path) as url,
        another_server() as foreign,
        contextlib.closing(browser.new_page()) as page,
    ):
        answers = {}
        page.on("response", lambda got: answers.update({got.url: got.status}))
        page.goto(foreign)
        asked = "url => fetch(url, {method: 'POST', mode: 'no-cors', body: '{}'}).catch(String)"
        assert page.evaluate(asked, f"{url}/api/runs") == "TypeError: Failed to fetch"
        shown = f'<img src="{url}/api/pictures/photos-chelsea"><iframe src="{url}/api/form">'
        page.evaluate("shown => { document.body.innerHTML = shown }", shown)
        page.locator("iframe").wait_for()
        page.wait_for_function("document.querySelector('img').complete")
        assert page.locator("img").evaluate("image => image.naturalWidth") == 0
        expect(page.frame_locator("iframe").locator("body")).to_be_attached()
        assert answers == {f"{foreign}/": 200, f"{url}/api/form": 403}


def begin_texture(page):
    page.get_by_label("Remove strokes.jpg").click()
    page.get_by_label("Example: pebbles").click()
    page.get_by_label("Without seams").select_option("xy")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("#record")).to_contain_text("xy")
    expect(page.locator("#state")).to_contain_text("Done")


def unlabelled(page):
    """Controls that a screen reader would not name."""
    return page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, canvas, img")]
            .filter((each) => !(each.labels?.length || each.ariaLabel || each.textContent.trim()
                || each.hasAttribute("alt") || each.placeholder))
            .map((each) => each.outerHTML)"""
    )
