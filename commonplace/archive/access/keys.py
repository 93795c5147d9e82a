"""Keys: what a program of a person's own shows to read for them. Its beginning is known, of the rest only the hash."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, delete, select, update

from commonplace.archive.access.credentials import KEY, digest, new
from commonplace.archive.access.scopes import joined
from commonplace.archive.access.tables import keys
from commonplace.archive.core import Archive
from commonplace.archive.prepared import Prepared
from commonplace.errors import NotThere, Refused
from commonplace.moments import DAY, SECOND, now

LONGEST_DAYS = 366
_SHOWN = len(KEY) + 6
_USED_EVERY = 300 * SECOND


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key. Nobody can come in with what is in here."""

    id: str
    owner: str
    name: str
    scopes: str
    created_at: int
    expires_at: int
    used_at: int | None = None

    def allows(self, scope: str) -> bool:
        return scope in self.scopes.split()

    @property
    def is_due(self) -> bool:
        """Whether it is time to note that it is in use."""
        return now() - (self.used_at or 0) > _USED_EVERY


_ABOUT = [keys.c[name] for name in Key.__struct_fields__]
_FOUND = Prepared(select(*_ABOUT).where(keys.c.key_hash == bindparam("hash"), keys.c.expires_at > bindparam("moment")))


def add_key(archive: Archive, name: str, scopes: Sequence[str], *, days: int) -> tuple[str, Key]:
    """A new key of the archive's owner: the secret, which is shown this once, and what is kept."""
    allowed = joined(scopes)
    if not allowed:
        raise Refused("A key is for something.", hint="Name a scope: --scope read:archive.")
    if not 1 <= days <= LONGEST_DAYS:
        raise Refused(f"A key is good for 1 to {LONGEST_DAYS} days.")
    secret, moment = new(KEY), now()
    key = Key(
        id=secret[:_SHOWN],
        owner=archive.owner,
        name=name,
        scopes=allowed,
        created_at=moment,
        expires_at=moment + days * DAY,
    )
    with archive.write() as connection:
        connection.execute(keys.insert().values(key_hash=digest(secret), **msgspec.structs.asdict(key)))
    return secret, key


def find_key(archive: Archive, secret: str) -> Key | None:
    """The key that this is the secret of, if it is still good. One read, by its hash."""
    row = _FOUND.one(archive, hash=digest(secret), moment=now())
    return Key(**row) if row else None


def list_keys(archive: Archive) -> list[Key]:
    """The owner's, the newest first."""
    query = select(*_ABOUT).where(keys.c.owner == archive.owner).order_by(keys.c.created_at.desc())
    with archive.read() as connection:
        return [Key(**row._mapping) for row in connection.execute(query)]


def note_use(archive: Archive, key: Key) -> None:
    with archive.write() as connection:
        connection.execute(update(keys).where(keys.c.id == key.id).values(used_at=now()))


def revoke_key(archive: Archive, id: str) -> None:
    """End one of the owner's keys. Refused if there is none of that beginning."""
    with archive.write() as connection:
        mine = (keys.c.owner == archive.owner) & (keys.c.id == id[:_SHOWN])
        if not connection.execute(delete(keys).where(mine)).rowcount:
            raise NotThere(f"There is no key {id[:_SHOWN]!r}.", hint="`commonplace keys list` shows them.")


def prune(archive: Archive) -> None:
    """Remove those that are over."""
    with archive.write() as connection:
        connection.execute(delete(keys).where(keys.c.expires_at <= now()))
