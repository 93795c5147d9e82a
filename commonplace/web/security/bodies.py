"""How much a request may bring: counted while it arrives, whatever it says of itself."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commonplace.web.errors import Problem

KILOBYTE, MEGABYTE = 1 << 10, 1 << 20
DEFAULT = 256 * KILOBYTE
BY_PATH = {
    "/omi/": 5 * MEGABYTE,  # photos are in it, as text
    "/chatgpt/webhook/": 5 * MEGABYTE,
    "/mcp": 4 * MEGABYTE,
    "/uploads/": 1 << 50,  # each has a limit of its own, counted where it is written
    "/import/file": 1 << 50,
}


class TooLarge(Problem):
    """The body is larger than this route takes."""

    def __init__(self, most: int) -> None:
        super().__init__(
            413,
            "too_large",
            f"The request is too large: at most {most >> 10} KB.",
            hint="Go back, and send less of it.",
        )


class TwoLengths(Problem):
    """Its length is told in two ways. A proxy before us may have believed the other one, and see another request."""

    def __init__(self) -> None:
        super().__init__(
            400, "two_lengths", "Content-Length or Transfer-Encoding, not both.", headers={"connection": "close"}
        )


class Bodies:
    """Ends requests whose body passes the limit of their route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        most = next((most for path, most in BY_PATH.items() if scope["path"].startswith(path)), DEFAULT)
        headers = Headers(scope=scope)
        told = headers.get("content-length", "")
        if told and "transfer-encoding" in headers:
            raise TwoLengths()
        if told.isdigit() and int(told) > most:
            raise TooLarge(most)
        arrived = 0

        async def receive_counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > most:
                raise TooLarge(most)
            return message

        return await self._app(scope, receive_counted, send)
