"""MCP over HTTP: one address, no sessions, both generations of the protocol; tokens and keys as everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from commonplace.web.errors import Problem
from commonplace.web.oauth.resources import MCP, offered_scopes
from commonplace.web.requests import NamedRoute
from commonplace.web.security.origins import origin_of
from commonplace.web.security.programs import Caller, known_caller, shown_by
from commonplace.web.server import Server

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from commonplace.web.mcp.tools import Desk


class Endpoint:
    """Lets in who is known, and hands on what they ask. MCP's own package is slow to load: the first of them waits."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._opening = anyio.Lock()
        self._tasks: TaskGroup
        self._manager: StreamableHTTPSessionManager | None = None

    @property
    def route(self) -> NamedRoute:
        return NamedRoute(MCP, self, methods=["POST"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self._check_origin(request)
        offered = " ".join(offered_scopes(self._server))
        scope["state"]["caller"] = await run_in_threadpool(known_caller, self._server, shown_by(request), MCP, offered)
        manager = await self._opened()
        await manager.handle_request(scope, receive, send)

    async def _opened(self) -> StreamableHTTPSessionManager:
        async with self._opening:
            if self._manager is None:
                made = await run_in_threadpool(self._open)
                await self._tasks.start(_run, made)
                self._manager = made
        return self._manager

    def _open(self) -> StreamableHTTPSessionManager:
        from mcp.server.transport_security import TransportSecuritySettings

        from commonplace.web.mcp.tools import open_mcp

        # Names and origins are checked by our own layers, for every route alike.
        checked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        server = open_mcp(self._desk, takes_notes=self._server.settings.server.allow_notes)
        server.streamable_http_app(stateless_http=True, json_response=True, transport_security=checked)
        return server.session_manager

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin not in {None, origin_of(request), *self._server.web.cors_origins}:
            raise Problem(403, "cross_site", "This was sent by another site's page, so nothing was done.")

    def _desk(self, ctx: Context[Any, Any]) -> Desk:
        from commonplace.web.mcp.tools import Desk

        request: Any = ctx.request_context.request
        caller: Caller = request.scope["state"]["caller"]
        return Desk(self._server.readers.of(caller.owner), self._server.keys, caller.scopes)


async def _run(manager: StreamableHTTPSessionManager, *, task_status: TaskStatus[None]) -> None:
    async with manager.run():
        task_status.started()
        await anyio.sleep_forever()
