"""Tokens of programs: exchanged for a code or for an older token, found by their hash, ended together.

A refresh token is exchanged once. Its successors follow from it and from a key of the server's that is in no database,
so that a program whose reply got lost, or that asks twice at once, is told the same again for a minute. After that, who
shows it is not the one it was made for, and everything that came of the grant ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from commonplace.archive.access.credentials import ACCESS, REFRESH, digest, new
from commonplace.archive.access.tables import codes, grants, tokens
from commonplace.archive.core import Archive
from commonplace.archive.prepared import Prepared
from commonplace.archive.rows import add
from commonplace.errors import Refused
from commonplace.moments import DAY, SECOND, now

ACCESS_SECONDS = 3600
"""Not less: some programs never ask for a new one before the hour is over."""
REFRESH_DAYS = 90

Derive = Callable[[str, str], str]
"""256 bits that follow from a purpose and a text, for nobody who lacks the server's key."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a program shows. Nobody can come in with what is in here."""

    grant_id: str
    client_id: str
    owner: str
    kind: Literal["access", "refresh"]
    scopes: str
    resources: str
    issued_at: int
    expires_at: int


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """What a program is told."""

    access_token: str
    refresh_token: str
    scopes: str


_FOUND = Prepared(
    select(*(tokens.c[name] for name in Token.__struct_fields__)).where(
        tokens.c.token_hash == bindparam("hash"),
        tokens.c.expires_at > bindparam("moment"),
        tokens.c.rotated_at.is_(None),
    )
)


class NotGood(Refused):
    """What was shown gives nothing: `invalid_grant`."""


class TooMuch(Refused):
    """More was asked for than was given: `invalid_scope` or `invalid_target`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def exchange_code(
    archive: Archive,
    code: str,
    *,
    client_id: str,
    redirect_uri: str | None,
    verifier: str | None,
    resources: Sequence[str] = (),
) -> Issued:
    """The first tokens of a grant. A code that was used already ends what came of its first use."""
    query = select(codes, grants).join(grants, grants.c.id == codes.c.grant_id).where(codes.c.code_hash == digest(code))
    query = query.with_for_update()
    with archive.write() as connection:
        row = connection.execute(query).one_or_none()
        if row is None or row.client_id != client_id:
            raise NotGood("There is no such code of this client.")
        moment = now()
        is_free = (codes.c.code_hash == row.code_hash) & codes.c.used_at.is_(None)
        if row.used_at is None:
            _check_code(row, redirect_uri, verifier, moment)
            narrowed = _narrowed(row.resources, resources)
            if connection.execute(update(codes).where(is_free).values(used_at=moment)).rowcount == 1:
                return _issue(connection, row, new(ACCESS), new(REFRESH), row.scopes, narrowed)
        connection.execute(delete(grants).where(grants.c.id == row.grant_id))
    raise NotGood("This code was used before; what it gave has ended.")


def refresh(
    archive: Archive,
    token: str,
    derive: Derive,
    *,
    client_id: str,
    grace_seconds: int,
    scopes: Sequence[str] = (),
    resources: Sequence[str] = (),
) -> Issued:
    """New tokens for an older one. Shown again after its grace, it ends the grant."""
    mine = (tokens.c.token_hash == digest(token)) & (tokens.c.kind == "refresh")
    query = select(tokens).join(grants, grants.c.id == tokens.c.grant_id).where(mine).with_for_update()
    with archive.write() as connection:
        row = connection.execute(query).one_or_none()
        moment = now()
        if row is None or row.client_id != client_id or row.expires_at <= moment:
            raise NotGood("There is no such token of this client.")
        if row.rotated_at is None or moment - row.rotated_at <= grace_seconds * SECOND:
            asked, narrowed = _shrunk(row.scopes, scopes), _narrowed(row.resources, resources)
            is_first = (tokens.c.token_hash == row.token_hash) & tokens.c.rotated_at.is_(None)
            connection.execute(update(tokens).where(is_first).values(rotated_at=moment))
            access = ACCESS + derive("access", f"{token} {asked} {narrowed}")
            return _issue(connection, row, access, REFRESH + derive("refresh", token), asked, narrowed)
        connection.execute(delete(grants).where(grants.c.id == row.grant_id))
    raise NotGood("This token was exchanged before; everything that was given with it has ended.")


def find_token(archive: Archive, token: str) -> Token | None:
    """What a token says, while it is good. One read, by its hash."""
    row = _FOUND.one(archive, hash=digest(token), moment=now())
    return Token(**row) if row else None


def end(archive: Archive, token: str, *, client_id: str) -> None:
    """End what a token of this client's belongs to. Nothing happens if there is none."""
    mine = select(tokens.c.grant_id).where(tokens.c.token_hash == digest(token), tokens.c.client_id == client_id)
    with archive.write() as connection:
        connection.execute(delete(grants).where(grants.c.id.in_(mine)))


def _check_code(row: Row[Any], redirect_uri: str | None, verifier: str | None, moment: int) -> None:
    if row.expires_at <= moment:
        raise NotGood("This code is too old.")
    if redirect_uri != row.redirect_uri:
        raise NotGood("The redirect_uri is not the one that the code was sent to.")
    if (row.challenge is None) != (verifier is None):
        raise NotGood("A code_verifier is sent where a code_challenge was, and only there.")
    if verifier is not None and not hmac.compare_digest(row.challenge.encode(), challenge_of(verifier).encode()):
        raise NotGood("The code_verifier is not the one of the code_challenge.")


def challenge_of(verifier: str) -> str:
    """PKCE's S256."""
    hashed = hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def _shrunk(given: str, asked: Sequence[str]) -> str:
    """The scopes that were asked for, all if none were. More than was given is refused."""
    if not set(asked) <= set(given.split()):
        raise TooMuch("invalid_scope", "That is more than was given.")
    return " ".join(scope for scope in given.split() if scope in asked) if asked else given


def _narrowed(given: str, asked: Sequence[str]) -> str:
    if not set(asked) <= set(given.split()):
        raise TooMuch("invalid_target", "Nothing was given for this resource.")
    return " ".join(resource for resource in given.split() if resource in asked) if asked else given


def _issue(connection: Connection, row: Row[Any], access: str, refresh: str, scopes: str, resources: str) -> Issued:
    """Both tokens of one exchange. The refresh token keeps what was given, whatever less was asked for this time."""
    moment = now()
    about = {"grant_id": row.grant_id, "client_id": row.client_id, "owner": row.owner, "issued_at": moment}
    of_access = {
        "token_hash": digest(access),
        "kind": "access",
        "scopes": scopes,
        "resources": resources,
        "expires_at": moment + ACCESS_SECONDS * SECOND,
    }
    of_refresh = {
        "token_hash": digest(refresh),
        "kind": "refresh",
        "scopes": row.scopes,
        "resources": row.resources,
        "expires_at": moment + REFRESH_DAYS * DAY,
    }
    add(connection, tokens, [about | of_access, about | of_refresh])
    return Issued(access_token=access, refresh_token=refresh, scopes=scopes)
