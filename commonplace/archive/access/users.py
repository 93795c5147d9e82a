"""Users: each is an owner, whose conversations no other sees."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from commonplace.archive import leases
from commonplace.archive.access.credentials import LINK, digest, new
from commonplace.archive.access.tables import grants, keys, login_links, omi_uids, sessions, users
from commonplace.archive.core import Archive
from commonplace.archive.rows import add
from commonplace.errors import Refused
from commonplace.moments import now

LINK_MINUTES = 30
LONGEST_NAME = 64
OF_API = "api:"
"""How uids begin that we made up for what was fetched: a webhook cannot name one."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who may log in."""

    owner: str
    name: str
    is_disabled: bool
    created_at: int


def plain_name(typed: str) -> str:
    """A name as it is stored: what looks the same is the same."""
    name = unicodedata.normalize("NFKC", typed).strip().casefold()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Refused(f"A user's name has 1 to {LONGEST_NAME} characters.")
    return name


def add_user(archive: Archive, name: str, password_hash: str | None, *, owner: str | None = None) -> User:
    """A new user, with conversations of their own; or the one whom an owner's conversations belong to."""
    user = User(
        owner=owner or f"user-{secrets.token_hex(6)}", name=plain_name(name), is_disabled=False, created_at=now()
    )
    try:
        with archive.write() as connection:
            connection.execute(
                users.insert().values(
                    **msgspec.structs.asdict(user), password_hash=password_hash, password_set_at=user.created_at
                )
            )
    except IntegrityError:
        raise Refused(f"There is a user {user.name!r} already.", hint="`commonplace users list` shows them.") from None
    return user


def list_users(archive: Archive) -> list[User]:
    with archive.read() as connection:
        rows = connection.execute(_selected().order_by(users.c.created_at)).all()
    return [User(**row._mapping) for row in rows]


def find_user(archive: Archive, name: str) -> User:
    """The user of that name. Refused if there is none."""
    with archive.read() as connection:
        row = connection.execute(_selected().where(users.c.name == plain_name(name))).one_or_none()
    if row is None:
        raise Refused(f"There is no user {name!r}.", hint="`commonplace users list` shows them.")
    return User(**row._mapping)


def user_of(archive: Archive, owner: str) -> User | None:
    with archive.read() as connection:
        row = connection.execute(_selected().where(users.c.owner == owner)).one_or_none()
    return User(**row._mapping) if row else None


def login_of(archive: Archive, name: str) -> tuple[str, str | None] | None:
    """The owner and password hash behind a name, for who may log in."""
    try:
        wanted = plain_name(name)
    except Refused:
        return None
    query = select(users.c.owner, users.c.password_hash).where(users.c.name == wanted, users.c.is_disabled.is_(False))
    with archive.read() as connection:
        row = connection.execute(query).one_or_none()
    return (row.owner, row.password_hash) if row else None


def renew_hash(archive: Archive, owner: str, password_hash: str) -> None:
    """The same password under a stronger hash: nothing else changes."""
    with archive.write() as connection:
        connection.execute(update(users).where(users.c.owner == owner).values(password_hash=password_hash))


def set_password(archive: Archive, owner: str, password_hash: str) -> None:
    """A new password ends every session and uses up every link."""
    with archive.write() as connection:
        _set_password(connection, owner, password_hash)


def disable(archive: Archive, owner: str, *, is_disabled: bool = True) -> None:
    """A disabled user's conversations stay; sessions, programs, keys and what works for them end at once."""
    with archive.write() as connection:
        connection.execute(update(users).where(users.c.owner == owner).values(is_disabled=is_disabled))
        if is_disabled:
            for table in (sessions, login_links, grants, keys):
                connection.execute(delete(table).where(table.c.owner == owner))
            leases.end_all(connection, owner)


def new_link(archive: Archive, owner: str) -> str:
    """The secret part of a link that lets its holder set this owner's password, once. Earlier links end."""
    token = new(LINK)
    with archive.write() as connection:
        connection.execute(delete(login_links).where(login_links.c.owner == owner))
        expires_at = now() + LINK_MINUTES * 60_000_000
        connection.execute(login_links.insert().values(token_hash=digest(token), owner=owner, expires_at=expires_at))
    return token


def owner_of_link(archive: Archive, token: str) -> str | None:
    """Whose password a link may set; None when it was used, has expired, or never was."""
    query = select(login_links.c.owner).where(
        login_links.c.token_hash == digest(token), login_links.c.expires_at > now()
    )
    with archive.read() as connection:
        return connection.execute(query).scalar_one_or_none()


def use_link(archive: Archive, token: str, *, name: str, password_hash: str) -> str | None:
    """Set the password that a link allows to set, and the name of who has none yet; the owner. None: too late."""
    table = login_links.c
    spend = delete(login_links).where(table.token_hash == digest(token), table.expires_at > now())
    with archive.write() as connection:
        owner: str | None = connection.execute(spend.returning(table.owner)).scalar_one_or_none()
        if owner is None:
            return None
        if connection.execute(_selected().where(users.c.owner == owner)).one_or_none() is None:
            _insert_first(connection, owner, plain_name(name))
        _set_password(connection, owner, password_hash)
    return owner


def claim_uid(archive: Archive, owner: str, uid: str) -> None:
    """What OMI sends for this uid is this owner's from now on."""
    with archive.write() as connection:
        taken_by = connection.execute(select(omi_uids.c.owner).where(omi_uids.c.uid == uid)).scalar_one_or_none()
        if taken_by not in (None, owner):
            raise Refused(f"The uid {uid} belongs to another user.")
        add(connection, omi_uids, [{"uid": uid, "owner": owner, "claimed_at": now()}])


def owner_of_uid(archive: Archive, uid: str) -> str | None:
    with archive.read() as connection:
        return connection.execute(select(omi_uids.c.owner).where(omi_uids.c.uid == uid)).scalar_one_or_none()


def is_any_uid_claimed(archive: Archive) -> bool:
    """Whether webhooks have named one, or a person."""
    claimed = select(omi_uids.c.uid).where(~omi_uids.c.uid.startswith(OF_API))
    with archive.read() as connection:
        return connection.execute(claimed.limit(1)).one_or_none() is not None


def uids_of(archive: Archive, owner: str) -> Sequence[str]:
    """Those of its webhooks."""
    theirs = select(omi_uids.c.uid).where(omi_uids.c.owner == owner, ~omi_uids.c.uid.startswith(OF_API))
    with archive.read() as connection:
        return connection.execute(theirs).scalars().all()


def _selected() -> Select[Any]:
    return select(*(users.c[name] for name in User.__struct_fields__))


def _insert_first(connection: Connection, owner: str, name: str) -> None:
    if connection.execute(select(users.c.owner).where(users.c.name == name)).one_or_none() is not None:
        raise Refused(f"There is a user {name!r} already.", hint="Choose another name.")
    connection.execute(users.insert().values(owner=owner, name=name, is_disabled=False, created_at=now()))


def _set_password(connection: Connection, owner: str, password_hash: str) -> None:
    connection.execute(
        update(users).where(users.c.owner == owner).values(password_hash=password_hash, password_set_at=now())
    )
    for table in (sessions, login_links):
        connection.execute(delete(table).where(table.c.owner == owner))


def prune_links(archive: Archive) -> None:
    """Remove those that nobody used in time."""
    with archive.write() as connection:
        connection.execute(delete(login_links).where(login_links.c.expires_at <= now()))
