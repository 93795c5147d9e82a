"""Around every request: an id, a line in the log, its numbers, and a reply where nobody else had one.

The log names routes (`/welcome/{token}`), not paths, and no query: what lets somebody in must not be read there.
"""

from __future__ import annotations

import logging
import secrets
import time

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commonplace.web.metrics import Metrics
from commonplace.web.replies import reply
from commonplace.web.security.addresses import client_of

log = logging.getLogger("commonplace.web")

HUNG_UP = 499
"""Whoever asked is gone, and nothing went wrong here. Proxies note it by that number."""
QUIET = ("/healthz", "/readyz", "/metrics")


class NamedRoute(Route):
    """One that is found in a request, as FastAPI's own are."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}


class Requests:
    """The outermost of our layers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        scope.setdefault("state", {})["request_id"] = id = secrets.token_hex(8)
        started, status = time.perf_counter(), 0

        async def send_told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_told)
        except ClientDisconnect:
            status = HUNG_UP
        except Exception as error:
            if status:
                raise
            request = Request(scope, receive)
            await reply(request, error)(scope, receive, send_told)
        finally:
            self._note(scope, id, status, time.perf_counter() - started)
        return None

    def _note(self, scope: Scope, id: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "none"
        self._metrics.requests.labels(scope["method"][:7], route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if route not in QUIET:
            about = {
                "request": id,
                "method": scope["method"][:7],
                "route": route,
                "status": status,
                "client": client_of(Request(scope)),
                "milliseconds": round(seconds * 1000, 1),
            }
            log.info("request", extra=about)
