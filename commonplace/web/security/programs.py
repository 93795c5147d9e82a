"""Which program calls, for whom, and what it may: by the key or the token in its `Authorization` header."""

from __future__ import annotations

import msgspec
from starlette.requests import HTTPConnection

from commonplace.archive.access import keys, tokens
from commonplace.archive.access.credentials import ACCESS, KEY
from commonplace.archive.access.keys import Key
from commonplace.web.errors import Problem
from commonplace.web.oauth.resources import metadata_url
from commonplace.web.security.uses import note_use
from commonplace.web.server import Server

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


def shown_by(connection: HTTPConnection) -> str:
    """What a program shows of itself, as it came. Of two, a proxy before us may have seen the other: neither counts."""
    shown = connection.headers.getlist("authorization")
    return shown[0] if len(shown) == 1 else ""


def known_caller(server: Server, shown: str, path: str, scope: str) -> Caller:
    """Who calls this resource, counted. `scope` is what a program should ask for that is not known.

    To be asked on a thread, as is `allowed_caller`.
    """
    kind, _, secret = shown.partition(" ")
    caller = _find(server, path, secret) if kind.lower() == "bearer" else None
    if caller is None:
        raise NotKnown(server, path, scope, showed_something=bool(secret))
    server.limiter.count_program(caller.id)
    return caller


def allowed_caller(server: Server, shown: str, path: str, *scopes: str) -> Caller:
    """Who calls, if it may do one of these."""
    caller = known_caller(server, shown, path, scopes[0])
    if not caller.may(*scopes):
        raise NotAllowed(server, path, scopes[0])
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
