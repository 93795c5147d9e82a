"""A person at a browser that runs our scripts: Debian's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.web.conftest import Live

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
PATIENCE_MS = 120_000
"""So long may anything take on a machine that has much else to do."""
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """The browser of this machine, with more flags if wanted."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *more])
        yield browser
        browser.close()


class Watched:
    """A page, and whatever it did that no page of ours may do."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.wrong: list[str] = []
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self._note(not request.url.startswith((origin, "blob:")), request.url))
        page.on("console", lambda message: self._note("Content Security Policy" in message.text, message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def open(self, path: str) -> Page:
        self.page.goto(self.origin + path)
        return self.page

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(dialog.message)
        dialog.dismiss()

    def _note(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.wrong.append(what)


def log_in(browser: Browser, live: Live, *, url: str = "", **options: Any) -> Watched:
    """A page of somebody who is logged in, at another address of the server if wanted."""
    context, url = browser.new_context(**options), url or live.url
    cookies = live.logged_in().client.cookies.jar
    context.add_cookies([{"name": one.name, "value": str(one.value), "url": url} for one in cookies])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return Watched(page, url)
