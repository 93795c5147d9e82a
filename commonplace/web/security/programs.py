"""Which program calls, for whom, and what it may: by the key in its `Authorization` header."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from commonplace.archive.access import keys
from commonplace.archive.access.credentials import KEY
from commonplace.archive.access.keys import Key
from commonplace.archive.core import Archive
from commonplace.web.errors import Problem
from commonplace.web.server import Server, server_of

REALM = 'Bearer realm="commonplace"'


class NotKnown(Problem):
    """It shows nothing, or nothing that is good."""

    def __init__(self, scope: str, *, showed_something: bool) -> None:
        error = ', error="invalid_token"' if showed_something else ""
        told = {"www-authenticate": f'{REALM}, scope="{scope}"{error}'}
        super().__init__(401, "not_known", "A key is needed: Authorization: Bearer cpk_...", headers=told)


class NotAllowed(Problem):
    """It is known, and may not do this."""

    def __init__(self, scope: str) -> None:
        told = {"www-authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'}
        super().__init__(403, "insufficient_scope", f"This needs the scope {scope}.", headers=told)


def reading(*scopes: str) -> Callable[[Request], Coroutine[Any, Any, Archive]]:
    """A dependency: the archive as the program's person sees it. It must have one of the scopes."""

    async def archive_for(request: Request) -> Archive:
        server = server_of(request)
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        is_key = kind.lower() == "bearer" and secret.startswith(KEY)
        key = await run_in_threadpool(_find, server, secret) if is_key else None
        if key is None:
            raise NotKnown(scopes[0], showed_something=bool(secret))
        if not any(key.allows(scope) for scope in scopes):
            raise NotAllowed(scopes[0])
        await server.limiter.count_program(key.id)
        return server.archive.of(key.owner)

    return archive_for


def _find(server: Server, secret: str) -> Key | None:
    key = keys.find_key(server.archive, secret)
    if key is not None and key.is_due:
        try:
            keys.note_use(server.archive, key)
        except SQLAlchemyError:  # a database that is busy is no reason to keep anybody waiting
            return key
    return key
