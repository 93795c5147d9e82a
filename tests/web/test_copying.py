"""Buttons that copy, also over plain http at a name of the network, where browsers give scripts no clipboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from commonplace.archive.access import users
from tests.web.chromium import chromium, log_in
from tests.web.conftest import HASHED, PASSWORD, Start

NAME = "book.example"


@pytest.mark.browser
def test_what_is_copied_can_be_pasted_over_plain_http_too_and_is_said_only_then(start: Start) -> None:
    live = start(f'[server]\nallowed_hosts = ["{NAME}"]\n')
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    with chromium(f"--host-resolver-rules=MAP {NAME} 127.0.0.1") as browser:
        watched = log_in(browser, live, url=live.url.replace("127.0.0.1", NAME))
        page = watched.open("/connect")
        assert page.evaluate("[isSecureContext, navigator.clipboard === undefined]") == [False, True]
        button = page.locator("button[data-copy=mcp]")
        button.click()
        expect(button).to_have_text("Copied")
        page.locator("input[type=search]").first.focus()
        page.keyboard.press("Control+V")
        assert page.locator("input[type=search]").first.input_value() == page.locator("#mcp").inner_text()
        expect(button).to_have_text("Copy")
        page.evaluate("document.execCommand = () => false")
        button.click()
        assert page.evaluate("getSelection().toString()") == page.locator("#mcp").inner_text()
        expect(button).to_have_text("Copy")
        assert watched.wrong == []
