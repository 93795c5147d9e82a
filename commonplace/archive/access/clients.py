"""Programs that may ask a person for access: that were added, that registered themselves, that have a document."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, delete, func, select, update

from commonplace.archive.access.credentials import digest
from commonplace.archive.access.tables import clients, grants
from commonplace.archive.core import Archive
from commonplace.archive.rows import put
from commonplace.errors import Refused
from commonplace.moments import SECOND, now

Kind = Literal["added", "registered", "document"]
UNUSED_DAYS = 1
"""What registered itself and was given nothing goes after so long."""
MOST_REGISTERED = 100
_USED_EVERY = 300 * SECOND


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One program. Its secret is not in here, only the hash."""

    id: str
    name: str
    kind: Kind
    secret_hash: str | None = None
    redirect_uris: tuple[str, ...] = ()
    scopes: str
    """What it may have, and gets when it asks for nothing."""
    resources: str
    """What its tokens are good for, unless it asks for less."""
    requires_pkce: bool = True
    created_at: int
    used_at: int | None = None
    expires_at: int | None = None
    """Of what was registered and never used, or of a copy of a document."""

    @property
    def is_public(self) -> bool:
        return self.secret_hash is None

    @property
    def is_fresh(self) -> bool:
        return self.expires_at is None or self.expires_at > now()

    @property
    def learns_its_redirect(self) -> bool:
        """A GPT's address is made after its client: the first that its owner agrees to is then the only one."""
        return self.kind == "added" and not self.is_public and not self.redirect_uris

    def has_secret(self, secret: str) -> bool:
        return self.secret_hash is not None and hmac.compare_digest(self.secret_hash, digest(secret))


def store_client(archive: Archive, client: Client) -> None:
    """A new program, or what is known of it today."""
    row = msgspec.structs.asdict(client) | {"redirect_uris": msgspec.json.encode(client.redirect_uris).decode()}
    with archive.write() as connection:
        put(connection, clients, [row])


def add_client(archive: Archive, client: Client) -> None:
    """Refused if there is one of that id."""
    if find_client(archive, client.id) is not None:
        raise Refused(f"There is a client {client.id} already.", hint="`commonplace oauth clients` shows them.")
    store_client(archive, client)


def find_client(archive: Archive, id: str) -> Client | None:
    with archive.read() as connection:
        row = connection.execute(select(clients).where(clients.c.id == id)).one_or_none()
    return _client(row._mapping) if row else None


def list_clients(archive: Archive) -> list[Client]:
    """All of them, the newest first."""
    with archive.read() as connection:
        rows = connection.execute(select(clients).order_by(clients.c.created_at.desc())).all()
    return [_client(row._mapping) for row in rows]


def has_room(archive: Archive) -> bool:
    """Whether one more may register itself."""
    prune(archive)
    with archive.read() as connection:
        count = select(func.count()).select_from(clients).where(clients.c.kind == "registered")
        return int(connection.execute(count).scalar_one()) < MOST_REGISTERED


def learn_redirects(archive: Archive, client: Client, redirect_uris: Sequence[str]) -> bool:
    """The addresses of a GPT, from now on; whether they were still to be learned."""
    known = msgspec.json.encode(list(redirect_uris)).decode()
    none = msgspec.json.encode([]).decode()
    statement = update(clients).where(clients.c.id == client.id, clients.c.redirect_uris == none)
    with archive.write() as connection:
        return connection.execute(statement.values(redirect_uris=known)).rowcount == 1


def note_use(archive: Archive, client: Client) -> None:
    """It got tokens: what registered itself stays from now on."""
    if client.used_at is not None and now() - client.used_at < _USED_EVERY:
        return
    values: dict[str, Any] = {"used_at": now()}
    if client.kind == "registered":
        values["expires_at"] = None
    with archive.write() as connection:
        connection.execute(update(clients).where(clients.c.id == client.id).values(**values))


def remove_client(archive: Archive, id: str) -> bool:
    """With everything that it was given; whether there was one."""
    with archive.write() as connection:
        return connection.execute(delete(clients).where(clients.c.id == id)).rowcount > 0


def prune(archive: Archive) -> None:
    """Remove what is over and holds nothing."""
    with archive.write() as connection:
        connection.execute(delete(clients).where(clients.c.expires_at <= now(), _holds_nothing()))


def _holds_nothing() -> ColumnElement[bool]:
    return ~select(grants.c.id).where(grants.c.client_id == clients.c.id).exists()


def _client(row: Any) -> Client:
    return Client(**dict(row) | {"redirect_uris": tuple(msgspec.json.decode(row["redirect_uris"], type=list[str]))})
