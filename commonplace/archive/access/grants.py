"""A person's yes to a program: given, remembered where they wished so, and taken back with all its tokens."""

from __future__ import annotations

import secrets

import msgspec
from sqlalchemy import Row, delete, func, or_, select

from commonplace.archive.access.clients import Client
from commonplace.archive.access.credentials import CODE, digest, new
from commonplace.archive.access.tables import clients, codes, grants, tokens
from commonplace.archive.core import Archive
from commonplace.moments import DAY, SECOND, now

CODE_SECONDS = 60


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a program was given."""

    id: str
    owner: str
    client_id: str
    scopes: str
    resources: str
    is_remembered: bool
    created_at: int


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as its person sees it."""

    grant: Grant
    client_name: str
    used_at: int | None
    """When it was last given a token."""


def give(
    archive: Archive,
    client: Client,
    scopes: str,
    resources: str,
    *,
    redirect_uri: str,
    challenge: str | None,
    is_remembered: bool,
) -> str:
    """The owner's yes, and the code that the program exchanges for tokens within a minute."""
    moment, code = now(), new(CODE)
    grant = Grant(
        id=secrets.token_hex(8),
        owner=archive.owner,
        client_id=client.id,
        scopes=scopes,
        resources=resources,
        is_remembered=is_remembered,
        created_at=moment,
    )
    row = {
        "code_hash": digest(code),
        "grant_id": grant.id,
        "redirect_uri": redirect_uri,
        "challenge": challenge,
        "expires_at": moment + CODE_SECONDS * SECOND,
    }
    with archive.write() as connection:
        connection.execute(grants.insert().values(**msgspec.structs.asdict(grant)))
        connection.execute(codes.insert().values(**row))
    return code


def is_remembered(archive: Archive, client: Client, scopes: str, resources: str) -> bool:
    """Whether the owner said yes to just as much, or more, and not to be asked again."""
    query = select(grants.c.scopes, grants.c.resources).where(
        grants.c.owner == archive.owner, grants.c.client_id == client.id, grants.c.is_remembered
    )
    asked = {*scopes.split(), *resources.split()}
    with archive.read() as connection:
        return any(asked <= {*row.scopes.split(), *row.resources.split()} for row in connection.execute(query))


def list_grants(archive: Archive) -> list[Given]:
    """The owner's, the newest first."""
    used = select(func.max(tokens.c.issued_at)).where(tokens.c.grant_id == grants.c.id).scalar_subquery()
    query = (
        select(grants, clients.c.name.label("client_name"), used.label("used_at"))
        .join(clients, clients.c.id == grants.c.client_id)
        .where(grants.c.owner == archive.owner)
        .order_by(grants.c.created_at.desc())
    )
    with archive.read() as connection:
        return [_given(row) for row in connection.execute(query)]


def revoke(archive: Archive, id: str) -> bool:
    """Take one of the owner's back, with all that came of it; whether there was one."""
    with archive.write() as connection:
        mine = (grants.c.owner == archive.owner) & (grants.c.id == id)
        return connection.execute(delete(grants).where(mine)).rowcount > 0


def prune(archive: Archive) -> None:
    """Remove what is over: tokens, codes a day later (until then a second use is noticed), grants without any."""
    moment = now()
    holds_token = select(tokens.c.grant_id).where(tokens.c.grant_id == grants.c.id).exists()
    holds_code = select(codes.c.grant_id).where(codes.c.grant_id == grants.c.id).exists()
    with archive.write() as connection:
        connection.execute(delete(tokens).where(tokens.c.expires_at <= moment))
        connection.execute(delete(codes).where(codes.c.expires_at <= moment - DAY))
        connection.execute(delete(grants).where(~or_(holds_token, holds_code, grants.c.is_remembered)))


def _given(row: Row[tuple[object, ...]]) -> Given:
    about = dict(row._mapping)
    name, used_at = about.pop("client_name"), about.pop("used_at")
    return Given(grant=Grant(**about), client_name=name, used_at=used_at)
