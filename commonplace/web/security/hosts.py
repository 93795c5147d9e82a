"""Names that the server answers to. A page elsewhere whose name was made to point here (DNS rebinding) gets nothing."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from commonplace.web.settings import host_name

ANY_NAME = ("/healthz", "/readyz")
"""What probes ask by the address of a container, and what says nothing worth hiding."""


class Hosts:
    """Refuses requests for names that are not ours."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in ANY_NAME:
            named = Headers(scope=scope).getlist("host")
            name = host_name(named[0].lower()) if len(named) == 1 else ""
            if not name or name not in self._allowed:
                refusal = PlainTextResponse("This server does not go by that name.\n", status_code=421)
                return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)
