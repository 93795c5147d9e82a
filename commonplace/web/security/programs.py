"""Which program calls, for whom, and what it may: by the key or the token in its `Authorization` header."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from commonplace.archive.access import keys, tokens
from commonplace.archive.access.credentials import ACCESS, KEY
from commonplace.archive.access.keys import Key
from commonplace.archive.core import Archive
from commonplace.web.errors import Problem
from commonplace.web.oauth.resources import API, metadata_url
from commonplace.web.security.uses import note_use
from commonplace.web.server import Server, server_of

REALM = 'Bearer realm="commonplace"'


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A program that is known."""

    id: str
    owner: str
    scopes: frozenset[str]

    def may(self, *scopes: str) -> bool:
        """Whether it has one of them."""
        return not self.scopes.isdisjoint(scopes)


class NotKnown(Problem):
    """It shows nothing, or nothing that is good for this resource."""

    def __init__(self, server: Server, path: str, scope: str, *, showed_something: bool) -> None:
        error = ', error="invalid_token"' if showed_something else ""
        where = metadata_url(server, path)
        told = {"www-authenticate": f'{REALM}, scope="{scope}", resource_metadata="{where}"{error}'}
        super().__init__(401, "not_known", "A key or a token is needed: Authorization: Bearer ...", headers=told)


class NotAllowed(Problem):
    """It is known, and may not do this."""

    def __init__(self, server: Server, path: str, scope: str) -> None:
        where = metadata_url(server, path)
        told = {
            "www-authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}", resource_metadata="{where}"'
        }
        super().__init__(403, "insufficient_scope", f"This needs the scope {scope}.", headers=told)


def reading(*scopes: str) -> Callable[[Request], Coroutine[Any, Any, Archive]]:
    """A dependency: the archive as the program's person sees it. It must have one of the scopes."""

    async def archive_for(request: Request) -> Archive:
        server = server_of(request)
        caller = await known_caller(request, API, scopes[0])
        if not caller.may(*scopes):
            raise NotAllowed(server, API, scopes[0])
        return server.archive.of(caller.owner)

    return archive_for


async def known_caller(connection: HTTPConnection, path: str, scope: str) -> Caller:
    """Who calls this resource, counted. `scope` is what a program should ask for that is not known."""
    server = server_of(connection)
    kind, _, shown = connection.headers.get("authorization", "").partition(" ")
    caller = await run_in_threadpool(_find, server, path, shown) if kind.lower() == "bearer" else None
    if caller is None:
        raise NotKnown(server, path, scope, showed_something=bool(shown))
    await server.limiter.count_program(caller.id)
    return caller


def _find(server: Server, path: str, shown: str) -> Caller | None:
    if shown.startswith(KEY):
        key = _key(server, shown)
        return Caller(id=key.id, owner=key.owner, scopes=frozenset(key.scopes.split())) if key else None
    if shown.startswith(ACCESS):
        token = tokens.find_token(server.archive, shown)
        if token is None or token.kind != "access" or path not in token.resources.split():
            return None
        return Caller(id=token.grant_id, owner=token.owner, scopes=frozenset(token.scopes.split()))
    return None


def _key(server: Server, secret: str) -> Key | None:
    key = keys.find_key(server.archive, secret)
    if key is not None and key.is_due:
        note_use(server.archive, keys.note_use, key)
    return key
