"""How vector stores stand, as far as is known here or, on request, as the service says."""

from __future__ import annotations

import msgspec

from commonplace.archive.projects.registry import names
from commonplace.moments import SECOND, to_iso
from commonplace.openai.client import Client, account_of
from commonplace.openai.errors import Missing
from commonplace.openai.pricing import price_of_storing
from commonplace.openai.stores import Remote, Stores
from commonplace.session import Session
from commonplace.stages.stores.known import known_stores


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Of one project's store."""

    project: str
    store: str
    conversations: int
    waiting: int
    """Those that are not in it as they are now, or should not be."""
    state: str = ""
    """What the service says: there, expired, gone. Empty: it was not asked."""
    expires_at: str = ""
    usd_a_day: float | None = None


def standings(session: Session, *, look: bool = False) -> list[Standing]:
    """One for each store that is known. Nothing is asked at the service unless one wants to `look`."""
    known = known_stores(session)
    if not look:
        remotes: dict[str, Remote | None] = {}
    else:
        with Client(account_of(session.settings, session.environment)) as client:
            remotes = {one.store_id: _asked(Stores(client), one.store_id) for one in known}
    called = names(session.archive)
    found = []
    for one in known:
        remote = remotes.get(one.store_id)
        ends = remote.expires_at if remote else None
        found.append(
            Standing(
                project=called.get(one.project_id, one.project_id),
                store=one.store_id,
                conversations=len(one.conversation_of),
                waiting=one.waiting,
                state=_state(remote) if look else "",
                expires_at=to_iso(ends * SECOND, session.settings.zone) or "" if ends else "",
                usd_a_day=round(price_of_storing(remote.bytes, 1), 6) if remote else None,
            )
        )
    return found


def _asked(stores: Stores, store_id: str) -> Remote | None:
    try:
        return stores.get(store_id)
    except Missing:
        return None


def _state(remote: Remote | None) -> str:
    if remote is None:
        return "gone"
    return "expired" if remote.is_expired else "there"
