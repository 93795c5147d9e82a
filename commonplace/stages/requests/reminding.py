"""Telling whoever wants it that an export needs a click. The web app says so by itself; this is for Poke and hooks."""

from __future__ import annotations

from commonplace.archive import requests
from commonplace.config import HookEvent
from commonplace.destinations.poke import PokeDestination
from commonplace.errors import CommonplaceError, Refused
from commonplace.moments import DAY, now, to_iso
from commonplace.outgoing import Unanswered
from commonplace.session import Session
from commonplace.stages import hooks
from commonplace.stages.requests.mail import read_mail
from commonplace.stages.requests.standing import Standing, standings
from commonplace.stages.syncing.destinations import open_destination
from commonplace.stages.work import Ending, telling

REPEATED_DAYS = 7
"""Who did nothing is told again after so long."""
WORDS = {
    "due": "It is time for a new export of {name}: {page}",
    "late": "No mail came for the export of {name}. Look among spam, or ask again: {page}",
    "ready": "The export of {name} is ready until {until}. The link is in the mail and on the page New exports.",
    "ended": "The link to the export of {name} ended unused. Ask again: {page}",
}


class RemindReport(Ending, kw_only=True):
    """What was noticed, and who was told."""

    mails: int = 0
    """Mails that said that an export is ready."""
    waiting: int = 0
    """Accounts that need a click."""
    told: int = 0
    """Those whose owner was told now."""


def remind_export(session: Session) -> RemindReport:
    """Read the mail, if there is a mailbox, and tell of every account that needs a click: once, and again in a week."""
    report = RemindReport()
    with telling(report):
        if session.settings.mail.host:
            report.mails = len(read_mail(session))
        known = requests.requests(session.archive)
        for one in standings(session.settings, session.archive):
            if not one.needs_a_click:
                continue
            report.waiting += 1
            before = known[one.account].reminded_at if one.account in known else None
            if before is None or before + REPEATED_DAYS * DAY <= now():
                _tell(session, one, before, report)
    return report


def _tell(session: Session, one: Standing, before: int | None, report: RemindReport) -> None:
    """Noted first: who may have heard of it is not told twice."""
    requests.change(session.archive, one.account, reminded_at=now())
    event: HookEvent = "export.ready" if one.state == "ready" else "export.due"
    data = {"account": one.account, "source": one.source, "state": one.state, "page": one.page}
    try:
        if session.settings.reminders.poke:
            _through_poke(session, one)
        hooks.queue(session, event, data)
        report.told += 1
    except CommonplaceError as error:
        report.errors.append(str(error))
        if not isinstance(error, Unanswered):
            requests.change(session.archive, one.account, reminded_at=before)


def _through_poke(session: Session, one: Standing) -> None:
    name = session.settings.reminders.poke
    with open_destination(session.settings, session.environment, session.archive, name) as (poke, _):
        if not isinstance(poke, PokeDestination):
            raise Refused(
                f"[reminders] poke names {name!r}, which is not Poke.", hint="Name a destination of that kind."
            )
        send = poke.client.fire if poke.settings.mode == "webhook" else poke.client.message
        send({"message": message_of(session, one)})


def message_of(session: Session, one: Standing) -> str:
    """A sentence, and where the click is. The link of a mail is not in it."""
    until = (to_iso(one.link_ends_at, session.settings.zone) or "")[:16].replace("T", " ")
    name = one.title if one.account == one.source else f"{one.account} ({one.title})"
    return WORDS[one.state].format(name=name, page=one.page, until=until)
