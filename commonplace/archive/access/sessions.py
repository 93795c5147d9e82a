"""Sessions of people in a browser: begun at the login, ended by idleness, by age, or by hand."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, func, or_, select, update

from commonplace.archive.access.credentials import SESSION, digest, new
from commonplace.archive.access.tables import sessions
from commonplace.archive.core import Archive
from commonplace.archive.prepared import Prepared
from commonplace.moments import DAY, SECOND, now

_SEEN_EVERY = 300 * SECOND
_AGENT_SHOWN = 200
ID_LENGTH = 16
# The first sign that occurs counts: most browsers also claim to be their ancestors.
_BROWSERS = {"Firefox/": "Firefox", "Edg/": "Edge", "OPR/": "Opera", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser that is logged in. `token_hash` identifies it; nobody can come in with that."""

    token_hash: str
    owner: str
    created_at: int
    seen_at: int
    expires_at: int
    address: str
    agent: str

    @property
    def id(self) -> str:
        return self.token_hash[:ID_LENGTH]

    @property
    def browser(self) -> str:
        """`Firefox on Linux`, as far as the browser says so."""
        name = next((name for sign, name in _BROWSERS.items() if sign in self.agent), "A browser")
        system = next((name for sign, name in _SYSTEMS.items() if sign in self.agent), "")
        return f"{name} on {system}" if system else name

    @property
    def is_due(self) -> bool:
        """Whether it is time to note that it is still in use."""
        return now() - self.seen_at > _SEEN_EVERY


_FOUND = Prepared(
    select(*(sessions.c[name] for name in Session.__struct_fields__)).where(
        sessions.c.token_hash == bindparam("hash"),
        sessions.c.expires_at > bindparam("moment"),
        sessions.c.seen_at > bindparam("idle_since"),
    )
)


def begin(archive: Archive, owner: str, *, address: str, agent: str, days: int) -> str:
    """A new session; the secret that the browser keeps."""
    token, moment = new(SESSION), now()
    session = Session(
        token_hash=digest(token),
        owner=owner,
        created_at=moment,
        seen_at=moment,
        expires_at=moment + days * DAY,
        address=address,
        agent=agent[:_AGENT_SHOWN],
    )
    with archive.write() as connection:
        connection.execute(sessions.insert().values(**msgspec.structs.asdict(session)))
    return token


def find(archive: Archive, token: str, *, idle_hours: int) -> Session | None:
    """The session that a browser's secret opens, if it is still good."""
    moment = now()
    idle_since = moment - idle_hours * 3600 * SECOND
    row = _FOUND.one(archive, hash=digest(token), moment=moment, idle_since=idle_since)
    return Session(**row) if row else None


def see(archive: Archive, session: Session) -> None:
    """Note that it is in use."""
    with archive.write() as connection:
        connection.execute(update(sessions).where(sessions.c.token_hash == session.token_hash).values(seen_at=now()))


def list_sessions(archive: Archive, owner: str, *, idle_hours: int) -> list[Session]:
    """The owner's, the one used last first."""
    moment = now()
    query = select(sessions).where(
        sessions.c.owner == owner,
        sessions.c.expires_at > moment,
        sessions.c.seen_at > moment - idle_hours * 3600 * SECOND,
    )
    with archive.read() as connection:
        rows = connection.execute(query.order_by(sessions.c.seen_at.desc())).all()
    return [Session(**row._mapping) for row in rows]


def end(archive: Archive, owner: str, id: str) -> bool:
    """End one of an owner's sessions; whether there was one."""
    mine = (sessions.c.owner == owner) & (func.substr(sessions.c.token_hash, 1, ID_LENGTH) == id)
    with archive.write() as connection:
        return connection.execute(delete(sessions).where(mine)).rowcount > 0


def forget(archive: Archive, token: str) -> None:
    """End the session that a browser had before."""
    with archive.write() as connection:
        connection.execute(delete(sessions).where(sessions.c.token_hash == digest(token)))


def prune(archive: Archive, *, idle_hours: int) -> None:
    """Remove those that are over."""
    moment = now()
    is_over = or_(sessions.c.expires_at <= moment, sessions.c.seen_at <= moment - idle_hours * 3600 * SECOND)
    with archive.write() as connection:
        connection.execute(delete(sessions).where(is_over))
