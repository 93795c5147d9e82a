"""A key of a person's own, lent for as long as a session lasts, a few hours at most.

It is stored encrypted, with a key that is not in the database, in no backup, and found only as long as the session is
there from which it was lent: logging out, ending the session or a new password takes it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, Select, delete, func, or_, select

from commonplace.archive.access.sessions import ID_LENGTH, Session
from commonplace.archive.access.tables import borrowed_secrets, sessions
from commonplace.archive.core import Archive
from commonplace.archive.rows import put
from commonplace.errors import Refused
from commonplace.moments import now

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

NAME = "OPENAI_API_KEY"
HOURS = 8
LONGEST = 500
_HOUR = 3600 * 1_000_000


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """That a key was lent, and until when; not the key."""

    id: str
    expires_at: int


def lend(archive: Archive, fernet: MultiFernet, session: Session, key: str, *, hours: int = HOURS) -> Lent:
    """Keep a key for this session, in place of the one that was lent before."""
    key = key.strip()
    if not (key.isascii() and key.isprintable() and 8 <= len(key) <= LONGEST) or " " in key:
        raise Refused("That is not a key.", hint="OpenAI's begin with sk-.")
    lent = Lent(id=session.id, expires_at=min(now() + hours * _HOUR, session.expires_at))
    row = {"owner": session.owner, "name": NAME, "ciphertext": fernet.encrypt(key.encode()).decode()}
    with archive.write() as connection:
        put(connection, borrowed_secrets, [row | msgspec.structs.asdict(lent)])
    return lent


def lent_in(archive: Archive, session: Session) -> Lent | None:
    """Whether a key is lent in this session."""
    query = _good(session.owner).where(borrowed_secrets.c.id == session.id)
    with archive.read() as connection:
        row = connection.execute(query).one_or_none()
    return Lent(id=row.id, expires_at=row.expires_at) if row else None


def take_back(archive: Archive, session: Session) -> None:
    """Forget the key of this session."""
    mine = (borrowed_secrets.c.id == session.id) & (borrowed_secrets.c.owner == session.owner)
    with archive.write() as connection:
        connection.execute(delete(borrowed_secrets).where(mine))


def borrowed(archive: Archive, fernet: MultiFernet, id: str | None = None) -> dict[str, str]:
    """What the archive's owner has lent now, by its variable: in one session, or in whichever it was last."""
    from cryptography.fernet import InvalidToken

    query = _good(archive.owner).order_by(borrowed_secrets.c.expires_at.desc()).limit(1)
    if id is not None:
        query = query.where(borrowed_secrets.c.id == id)
    with archive.read() as connection:
        row = connection.execute(query).one_or_none()
    try:
        return {row.name: fernet.decrypt(row.ciphertext.encode()).decode()} if row else {}
    except InvalidToken:  # the server's own key is another one now
        return {}


def prune(archive: Archive) -> None:
    """Remove those that are over."""
    is_over = or_(borrowed_secrets.c.expires_at <= now(), ~_has_session())
    with archive.write() as connection:
        connection.execute(delete(borrowed_secrets).where(is_over))


def _good(owner: str) -> Select[tuple[str, str, str, int]]:
    table = borrowed_secrets.c
    query = select(table.id, table.name, table.ciphertext, table.expires_at)
    return query.where(table.owner == owner, table.expires_at > now(), _has_session())


def _has_session() -> ColumnElement[bool]:
    """Whether the session from which it was lent is still there."""
    is_its = func.substr(sessions.c.token_hash, 1, ID_LENGTH) == borrowed_secrets.c.id
    return (
        select(sessions.c.owner)
        .where(is_its, sessions.c.owner == borrowed_secrets.c.owner, sessions.c.expires_at > now())
        .exists()
    )
