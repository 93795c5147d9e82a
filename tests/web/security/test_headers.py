"""What every reply tells the browser, whatever the reply is."""

from __future__ import annotations

import pytest

from tests.web.conftest import Live


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/healthz", "/", "/static/none.css", "/welcome/x"])
def test_every_reply_is_guarded(live: Live, path: str) -> None:
    headers = live.client().get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert headers["x-request-id"]


def test_a_refusal_by_an_outer_layer_is_guarded_too(live: Live) -> None:
    headers = live.client().get("/login", headers={"host": "evil.example"}).headers
    assert headers["content-security-policy"]
    assert headers["x-request-id"]


def test_files_of_ours_may_be_kept_for_ever_because_their_address_changes(live: Live) -> None:
    page = live.browser().get("/login").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    reply = live.client().get(address)
    assert reply.headers["content-type"].startswith("text/css")
    assert "immutable" in reply.headers["cache-control"]
    assert live.client().get("/static/style.000000000000.css").status_code == 404
    assert live.client().get("/static/..%2Fapp.py").status_code == 404


def test_interactive_documentation_is_off(live: Live) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert live.client().get(path).status_code == 404


def test_pages_hold_nothing_inline(live: Live) -> None:
    for browser, path in ((live.browser(), "/login"), (live.logged_in(), "/account")):
        text = browser.get(path).text
        for inline in ("<style", "style=", "<script>", "onclick", "onload", "javascript:"):
            assert inline not in text
