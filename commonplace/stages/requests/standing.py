"""How far it is with the next export of each account, and which click is left.

An account is one of an assistant that sends exports: those of the settings and, without a word there, every assistant
whose export is in the archive. What is known of a request is what a person said, what a mail said, and which exports
came in; the rest follows from the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from commonplace.archive import requests
from commonplace.archive.core import Archive
from commonplace.archive.requests import ExportRequest
from commonplace.config import Settings
from commonplace.errors import Refused
from commonplace.moments import DAY, HOUR, now
from commonplace.sources.getting import ASKING, Asking, title_of
from commonplace.sources.registry import SOURCES

State = Literal["never", "fresh", "due", "asked", "late", "ready", "ended"]
"""Nothing came yet; the last export is new enough; it is time to ask; somebody asked; no mail came in its time; the
link waits for a click; the link ended unused."""
NEEDS_A_CLICK = frozenset({"due", "late", "ready", "ended"})


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One of an assistant that sends exports."""

    name: str
    source: str
    every_days: int
    """0: nobody is reminded."""
    address: str = ""
    """Where its mail goes, if several accounts of an assistant have to be told apart."""

    @property
    def asking(self) -> Asking:
        return ASKING[self.source]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with an account. Moments are microseconds."""

    account: str
    source: str
    title: str
    page: str
    state: State
    every_days: int
    asked_at: int | None = None
    mail_at: int | None = None
    link: str | None = None
    link_ends_at: int | None = None
    imported_at: int | None = None
    due_at: int | None = None

    @property
    def called(self) -> str:
        """As a person tells it from the others."""
        return self.title if self.account == self.source else self.account

    @property
    def needs_a_click(self) -> bool:
        return self.state in NEEDS_A_CLICK


def accounts(settings: Settings, archive: Archive) -> list[Account]:
    """Those of the settings, and the assistants whose exports came in or were asked for."""
    wanted = settings.reminders
    found = {}
    for name, each in settings.accounts.items():
        source = each.source_of(name)
        if source not in SOURCES:
            raise Refused(
                f"[accounts.{name}] is of {source!r}, which is no assistant that is known.",
                hint=f"Set its source to one of: {', '.join(SOURCES)}.",
            )
        if source not in ASKING:
            continue
        days = wanted.every_days if each.every_days is None else each.every_days
        found[name] = Account(name=name, source=source, every_days=days, address=each.address)
    heard_of = requests.exports_in(archive).keys() | requests.requests(archive).keys()
    for source in (heard_of & ASKING.keys()) - found.keys():
        found[source] = Account(name=source, source=source, every_days=wanted.every_days)
    return sorted(found.values(), key=lambda account: (account.source, account.name))


def standings(settings: Settings, archive: Archive, *, at: int | None = None) -> list[Standing]:
    """Every account."""
    moment = now() if at is None else at
    known = accounts(settings, archive)
    asked = _asked(known, requests.requests(archive))
    came = requests.exports_in(archive)
    return [
        standing(account, request := asked[account.name], came.get(account.name, request.imported_at), moment)
        for account in known
    ]


def standing(account: Account, request: ExportRequest, imported_at: int | None, moment: int) -> Standing:
    """One account, as of a moment."""
    is_open = (request.opened_at or 0) > (imported_at or 0)
    due_at = imported_at + account.every_days * DAY if imported_at and account.every_days else None
    state = _state_of_request(account, request, moment) if is_open else _state_of_rest(imported_at, due_at, moment)
    return Standing(
        account=account.name,
        source=account.source,
        title=title_of(account.source),
        page=account.asking.page,
        state=state,
        every_days=account.every_days,
        asked_at=request.asked_at if (request.asked_at or 0) > (imported_at or 0) else None,
        mail_at=request.mail_at if is_open else None,
        link=request.link if state == "ready" else None,
        link_ends_at=request.link_ends_at if is_open else None,
        imported_at=imported_at,
        due_at=due_at,
    )


def say_asked(settings: Settings, archive: Archive, name: str) -> None:
    """A person asked for the export of an account. What was before is over."""
    account = named(settings, archive, name)
    before = {each.account: each.imported_at for each in standings(settings, archive)}
    requests.change(
        archive,
        account.name,
        asked_at=now(),
        imported_at=before.get(account.name),
        mail_at=None,
        link=None,
        link_ends_at=None,
        reminded_at=None,
    )


def say_mailed(archive: Archive, account: Account, *, at: int, link: str | None) -> None:
    """The mail came, at this moment: its link ends so many hours later."""
    ends_at = at + account.asking.link_hours * HOUR
    requests.change(archive, account.name, mail_at=at, link=link, link_ends_at=ends_at, reminded_at=None)


def named(settings: Settings, archive: Archive, name: str) -> Account:
    """The account of this name; an assistant that has none yet gets one of its own."""
    known = {account.name: account for account in accounts(settings, archive)}
    if name not in known and name in ASKING:
        return Account(name=name, source=name, every_days=settings.reminders.every_days)
    if name not in known:
        there = ", ".join(dict.fromkeys([*known, *ASKING]))
        raise Refused(f"There is no account {name!r}.", hint=f"There are: {there}.")
    return known[name]


def _state_of_request(account: Account, request: ExportRequest, moment: int) -> State:
    if request.link_ends_at is not None:
        return "ready" if moment < request.link_ends_at else "ended"
    patience = max(1, account.asking.answers_within_days) * DAY
    return "asked" if moment < (request.asked_at or 0) + patience else "late"


def _state_of_rest(imported_at: int | None, due_at: int | None, moment: int) -> State:
    if imported_at is None:
        return "never"
    return "due" if due_at is not None and moment >= due_at else "fresh"


def _asked(known: Sequence[Account], there: Mapping[str, ExportRequest]) -> dict[str, ExportRequest]:
    return {account.name: there.get(account.name, ExportRequest(account=account.name)) for account in known}
