"""What travels compressed, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from commonplace.web.security.compression import LONGEST, SHORTEST, Compression
from tests.web.conftest import Forms, Live

TEXT = "x" * SHORTEST


def _served(reply: Response) -> TestClient:
    async def page(_request: Any) -> Response:
        return reply

    return TestClient(Compression(Starlette(routes=[Route("/", page)])))


@pytest.mark.parametrize("kind", ["text/html", "text/css", "text/javascript", "image/svg+xml"])
def test_text_that_our_own_pages_ask_for_is_compressed(kind: str) -> None:
    client = _served(Response(TEXT, media_type=kind))
    for site in ("same-origin", "none"):
        reply = client.get("/", headers={"sec-fetch-site": site})
        assert reply.headers["content-encoding"] == "gzip"
        assert int(reply.headers["content-length"]) < 100
        assert "Accept-Encoding" in reply.headers["vary"]
        assert reply.text == TEXT
    plain = client.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == TEXT


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_sites_page_asks_for_is_not(site: str) -> None:
    reply = _served(Response(TEXT, media_type="text/html")).get("/", headers={"sec-fetch-site": site})
    assert "content-encoding" not in reply.headers
    assert reply.text == TEXT


@pytest.mark.parametrize(
    "reply",
    [
        Response("x" * (SHORTEST - 1), media_type="text/html"),
        Response("x" * (LONGEST + 1), media_type="text/plain"),
        Response(TEXT, media_type="application/json"),
        Response(TEXT, media_type="image/png"),
        Response(TEXT, media_type="text/html", headers={"content-encoding": "identity"}),
        StreamingResponse(iter([TEXT, TEXT]), media_type="text/event-stream"),
        StreamingResponse(iter([TEXT, TEXT]), media_type="text/plain"),
    ],
)
def test_what_is_short_long_no_text_or_comes_in_pieces_goes_as_it_is(reply: Response) -> None:
    assert _served(reply).get("/").headers.get("content-encoding", "identity") == "identity"


def test_what_forms_carry_differs_in_every_reply_and_each_is_good(live: Live) -> None:
    browser = live.logged_in()
    pages = [browser.get("/conversations") for _ in range(2)]
    first, second = (Forms.of(page.text)[0]["fields"]["csrf"] for page in pages)
    assert not set(first.split(".")) & set(second.split(".")) - {_moment(first)}
    for page in pages:
        assert page.headers["content-encoding"] == "gzip"
        assert browser.submit(page, "/conversations/saved", name="a").status_code == 303


def _moment(token: str) -> str:
    """The part that tells when, to the second."""
    return token.split(".")[1]
