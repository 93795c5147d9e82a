"""The application: its layers from the outside in, its routes, and what it does beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from commonplace.archive.access import clients, grants, keys, lending, sessions, users
from commonplace.archive.faults import DiskFull
from commonplace.errors import CommonplaceError, Refused, Retryable
from commonplace.session import Session
from commonplace.web import health
from commonplace.web.api import actions, omi, rest, tus
from commonplace.web.api.often import Often
from commonplace.web.mcp.endpoint import Endpoint
from commonplace.web.oauth import metadata, registration, token
from commonplace.web.oauth import pages as oauth_pages
from commonplace.web.pages import (
    account,
    ask,
    attachments,
    bulk,
    categories,
    connect,
    conversation,
    conversations,
    entering,
    exports,
    files,
    home,
    importing,
    insights,
    projects,
    review,
    runs,
)
from commonplace.web.pages.house import backups, people, values
from commonplace.web.pages.places import destinations, hooks, setting_up, stores
from commonplace.web.replies import replied
from commonplace.web.requests import Requests
from commonplace.web.security.addresses import Proxies
from commonplace.web.security.bodies import Bodies
from commonplace.web.security.compression import Compression
from commonplace.web.security.headers import SecurityHeaders
from commonplace.web.security.hosts import Hosts
from commonplace.web.security.limits import Limits
from commonplace.web.server import Server
from commonplace.web.watching import Watcher

log = logging.getLogger("commonplace.web")

PAGES = tuple(
    page.router
    for page in (
        files,
        home,
        entering,
        account,
        importing,
        exports,
        runs,
        conversations,
        conversation,
        attachments,
        review,
        projects,
        categories,
        insights,
        ask,
        destinations,
        setting_up,
        hooks,
        stores,
        connect,
        bulk,
        values,
        people,
        backups,
    )
)
OAUTH = (oauth_pages.router, token.router, registration.router, metadata.router)
ROUTERS = (health.router, *OAUTH, actions.router, tus.router, *PAGES)
OFTEN = (*omi.routes, *rest.routes)
"""What programs call a hundred times a second. These are among the other routes too: there a wrong method is a 405."""
TIDY_SECONDS = 3600


def create_app(server: Server) -> FastAPI:
    """The whole server as an ASGI application."""
    app = FastAPI(
        title="Commonplace",
        openapi_url=None,
        redirect_slashes=False,
        routes=[*OFTEN, *(route for router in ROUTERS for route in router.routes)],
        lifespan=_lifespan,
        middleware=_layers(server),
        exception_handlers=dict.fromkeys(
            (HTTPException, RequestValidationError, Refused, Retryable, DiskFull), replied
        ),
    )
    app.state.server = server
    app.state.mcp = endpoint = Endpoint(server)
    app.router.routes.append(endpoint.route)
    return app


def _layers(server: Server) -> list[Middleware]:
    """From the outside in. Whatever a layer refuses gets a reply, an id and a line in the log all the same."""
    web = server.web
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(web.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
    )
    return [
        Middleware(SecurityHeaders, is_https=web.is_https),
        Middleware(Compression),
        Middleware(Proxies, trusted=web.proxies),
        Middleware(Requests, metrics=server.metrics),
        Middleware(Hosts, allowed=web.hosts),
        *([cors] if web.cors_origins else []),
        Middleware(Limits, limiter=server.limiter),
        Middleware(Bodies),
        Middleware(Often, routes=OFTEN),
    ]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    server: Server = app.state.server
    tidying = asyncio.create_task(_tidy_now_and_then(server))
    server.nudge.start()
    watcher = Watcher(Session(server.settings, server.environment, server.archive))
    watcher.start()
    try:
        async with server.deliveries.running(), app.state.mcp.running():
            yield
    finally:
        tidying.cancel()
        watcher.stop()
        server.nudge.stop()
        await server.limiter.close()


async def _tidy_now_and_then(server: Server) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        try:
            await run_in_threadpool(_tidy, server)
        except (SQLAlchemyError, CommonplaceError) as error:
            log.warning("tidying up failed", extra={"kind": type(error).__name__})


def _tidy(server: Server) -> None:
    """Remove what has expired."""
    sessions.prune(server.archive, idle_hours=server.web.idle_hours)
    lending.prune(server.archive)
    users.prune_links(server.archive)
    keys.prune(server.archive)
    grants.prune(server.archive)
    clients.prune(server.archive)
    server.uploads.prune(server.archive)
