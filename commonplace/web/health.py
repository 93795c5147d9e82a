"""Whether the server lives, whether it can do its work, and its numbers."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, PlainTextResponse, Response

from commonplace.archive.migrate import current_revision
from commonplace.archive.migrations import HEAD
from commonplace.errors import CommonplaceError
from commonplace.web.errors import Problem
from commonplace.web.security.addresses import is_local
from commonplace.web.server import Server, server_of

router = APIRouter()


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """It can read the archive, and the archive is the one that this program knows."""
    server = server_of(request)
    checks = {"archive": _archive(server), "inbox": _inbox(server)}
    return JSONResponse(checks, 200 if all(state == "ok" for state in checks.values()) else 503)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """For Prometheus, on this machine or with the token `COMMONPLACE_METRICS_TOKEN`."""
    server = server_of(request)
    token = server.environment.get("COMMONPLACE_METRICS_TOKEN")
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not is_local(request) and not (token and secrets.compare_digest(sent.encode(), token.encode())):
        raise Problem(404, "not_found", "Not found.")
    _inbox(server)
    return Response(server.metrics.text(), media_type="text/plain; version=0.0.4")


def _inbox(server: Server) -> str:
    try:
        for state, count in server.inbox.counts().items():
            server.metrics.waiting.labels(state).set(count)
    except SQLAlchemyError:
        return "out of reach"
    return "ok"


def _archive(server: Server) -> str:
    try:
        with server.archive.read() as connection:
            return "ok" if current_revision(connection) == HEAD else "another version"
    except (SQLAlchemyError, CommonplaceError):
        return "out of reach"
