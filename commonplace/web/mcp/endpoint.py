"""MCP over HTTP: one address, no sessions, both generations of the protocol; tokens and keys as everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from commonplace.web.errors import Problem
from commonplace.web.mcp.tools import Desk, open_mcp
from commonplace.web.oauth.resources import MCP, offered_scopes
from commonplace.web.security.origins import origin_of
from commonplace.web.security.programs import Caller, known_caller
from commonplace.web.server import Server

OURS = TransportSecuritySettings(enable_dns_rebinding_protection=False)
"""Names and origins are checked by our own layers, for every route alike."""


class Endpoint:
    """Lets in who is known, and hands on what they ask."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._mcp = open_mcp(self._desk, takes_notes=server.settings.server.allow_notes)
        self._mcp.streamable_http_app(stateless_http=True, json_response=True, transport_security=OURS)

    @property
    def route(self) -> Route:
        return Route(MCP, self, methods=["POST"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._mcp.session_manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self._check_origin(request)
        scope["state"]["caller"] = await known_caller(request, MCP, " ".join(offered_scopes(self._server)))
        await self._mcp.session_manager.handle_request(scope, receive, send)

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin not in {None, origin_of(request), *self._server.web.cors_origins}:
            raise Problem(403, "cross_site", "This was sent by another site's page, so nothing was done.")

    def _desk(self, ctx: Context[Any, Any]) -> Desk:
        request: Any = ctx.request_context.request
        caller: Caller = request.scope["state"]["caller"]
        return Desk(self._server.readers.of(caller.owner), self._server.keys, caller.scopes)
