"""Pages travel compressed, but for those that another site's page asked for.

The length of a compressed page tells whether what somebody put into its address stands in it once more (BREACH). Who
would guess so needs thousands of requests that carry a person's cookie, and browsers say that another site asks for
them; what forms carry differs in every reply besides (csrf.py). docs/decisions/028.
"""

from __future__ import annotations

import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = ("text/html", "text/css", "text/javascript", "text/csv", "text/plain", "text/markdown", "image/svg+xml")
SHORTEST = 1_000
"""Shorter ones fit into one packet as they are."""
LONGEST = 256_000
"""What is longer would keep others waiting meanwhile, and goes as it is."""
LEVEL = 5


class Compression:
    """Compresses replies that are whole; what comes in pieces (events, files) goes on as it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _may_be_compressed(Headers(scope=scope)):
            return await self._app(scope, receive, send)
        begun: Message | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start" and _is_text(Headers(raw=message["headers"])):
                begun = message
                return
            if begun:
                start, message = _compressed(begun, message)
                begun = None
                await send(start)
            await send(message)

        return await self._app(scope, receive, send_compressed)


def _may_be_compressed(asked: Headers) -> bool:
    ours = asked.get("sec-fetch-site", "none") in ("same-origin", "none")
    return ours and "gzip" in asked.get("accept-encoding", "")


def _is_text(headers: Headers) -> bool:
    kind = headers.get("content-type", "").partition(";")[0]
    return kind in KINDS and "content-encoding" not in headers


def _compressed(start: Message, message: Message) -> tuple[Message, Message]:
    """The two messages of a reply that is whole, compressed; of any other as they are."""
    body, headers = message.get("body", b""), MutableHeaders(raw=list(start["headers"]))
    headers.add_vary_header("Accept-Encoding")
    if not message.get("more_body") and SHORTEST <= len(body) <= LONGEST:
        body = gzip.compress(body, LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(body))
    return {**start, "headers": headers.raw}, {**message, "body": body}
