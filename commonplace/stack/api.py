"""Asking a Prefect server over HTTP, without importing Prefect."""

from __future__ import annotations

import base64
import time
import urllib.error
import urllib.request
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.3
_DONE = {HTTPStatus.OK, HTTPStatus.CREATED}
_BUSY = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What a server on SQLite says while it writes: ask again."""


class Api(NamedTuple):
    """Where a server's API is, and `user:password` if it wants one."""

    url: str
    login: str = ""

    def is_healthy(self) -> bool:
        """Whether a Prefect server answers there."""
        return self.url.startswith(("http://", "https://")) and self._send("health")[0] == HTTPStatus.OK

    def knows_us(self) -> bool:
        """Whether it is a server that takes this login, and nobody without one: another program may have taken the
        port, and some say yes to everybody."""
        asked = "admin/version"
        return self._send(asked)[0] == HTTPStatus.OK and Api(self.url)._send(asked)[0] == HTTPStatus.UNAUTHORIZED

    def ask(self, path: str, body: object, *, patience_seconds: float = PATIENCE_SECONDS) -> Any:
        """The answer to a question, which is repeated while the server is busy. None: it does not say."""
        deadline = time.monotonic() + patience_seconds
        while True:
            status, reply = self._send(path, msgspec.json.encode(body))
            if status in _BUSY and time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
                continue
            with suppress(msgspec.DecodeError):
                return msgspec.json.decode(reply) if status in _DONE else None
            return None

    def _send(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """The status and the body of an answer; a status of 0 where nobody listens."""
        headers = {"Content-Type": "application/json"} | self._authorization()
        request = urllib.request.Request(f"{self.url.rstrip('/')}/{path}", data=body, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, b""
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT, b""
        except OSError:
            return 0, b""

    def _authorization(self) -> dict[str, str]:
        if not self.login:
            return {}
        return {"Authorization": f"Basic {base64.b64encode(self.login.encode()).decode()}"}
