"""Takes the pictures of docs/web.md: the page of `tfstyle web`, in a browser.

    python -m tools.web_figure --output=docs/images/web

It needs Playwright and a Chromium, see docs/web.md.
"""

import contextlib
import pathlib
import re
import subprocess
import sys

from absl import app, flags

from tools import web_browser

_OUTPUT = flags.DEFINE_string("output", None, "Folder to write to.", required=True)
_SIZE = flags.DEFINE_string("size", "384", "Of the pictures that are painted.")
_EVALUATIONS = flags.DEFINE_string("evaluations", "150", "Of each.")
WIDE, TALL = {"width": 1280, "height": 900}, {"width": 1280, "height": 1440}
NARROW = {"width": 390, "height": 844}
MINUTES = 10 * 60_000  # milliseconds


@contextlib.contextmanager
def served(*options):
    """The address of a page that is served meanwhile."""
    command = [sys.executable, "-m", "tfstyle", "web", "--port=0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"http://\S+", process.stderr.readline())[0]
        finally:
            process.terminate()


def paint(page, job, examples, **settings):
    """Fills in the form and begins."""
    page.locator("html[data-ready]").wait_for()
    page.locator(f"[name=job][value={job}]").check(force=True)
    for name in examples:
        page.get_by_label(f"Example: {name}").click()
    for name, value in settings.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("#estimate", has_text="About").wait_for()
    page.locator("#paint").click()


def shots(page, folder):
    """Makes the pictures, each named after what it shows."""
    usual = {"size": _SIZE.value, "evaluations": _EVALUATIONS.value}
    paint(page, "texture", ["pebbles"], **usual | {"size": "256"})
    page.locator("#download").wait_for()
    paint(page, "stylize", ["coffee", "mosaic"], **usual)
    page.locator("#state", has_text=re.compile(r"[4-9]\d %")).wait_for()
    page.screenshot(path=folder / "painting.jpg", quality=88)
    page.set_viewport_size(NARROW)
    page.locator("#stage").evaluate("stage => stage.scrollIntoView()")
    page.screenshot(path=folder / "phone.jpg", quality=88)
    page.set_viewport_size(TALL)
    page.locator("#state", has_text="Done").wait_for()
    page.locator("#before[src]").wait_for()
    page.screenshot(path=folder / "done.jpg", quality=88)


def main(_):
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    with served() as url, web_browser.launched() as browser:
        page = browser.new_page(viewport=WIDE)
        page.set_default_timeout(MINUTES)
        page.goto(url)
        shots(page, folder)


if __name__ == "__main__":
    app.run(main)
