"""A browser that is driven by a program, for the pictures and the tests of `tfstyle web`."""

import contextlib
import os
import shutil


@contextlib.contextmanager
def launched():
    """Debian's Chromium where it is installed, else Playwright's own.

    Raises:
        LookupError: Playwright or the browser is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise LookupError('Playwright is missing: pip install ".[browser]"') from error
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or playwright.chromium.executable_path
        if not os.path.exists(path):
            raise LookupError("a browser is missing: apt-get install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
