"""Telling whoever wants it that an export needs a click. The web app says so by itself; this is for all others."""

from __future__ import annotations

from commonplace.archive import requests
from commonplace.config import Environment, HookEvent, Settings
from commonplace.destinations.poke import PokeDestination
from commonplace.errors import CommonplaceError, Refused
from commonplace.moments import DAY, now, to_iso
from commonplace.outgoing import Unanswered
from commonplace.postbox import Postbox, post
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
    """Noted first: who may have heard of it is not told twice, whatever became of the other ways."""
    requests.change(session.archive, one.account, reminded_at=now())
    wanted = session.settings.reminders
    ways = [way for way, is_wanted in ((_through_poke, wanted.poke), (_by_mail, wanted.mail)) if is_wanted]
    errors: list[CommonplaceError] = []
    for way in ways:
        try:
            way(session, one)
        except CommonplaceError as error:
            errors.append(error)
    report.errors += map(str, errors)
    if ways and sum(not isinstance(error, Unanswered) for error in errors) == len(ways):
        requests.change(session.archive, one.account, reminded_at=before)
        return
    event: HookEvent = "export.ready" if one.state == "ready" else "export.due"
    data = {"account": one.account, "source": one.source, "state": one.state, "page": one.page}
    hooks.queue(session, event, data)
    report.told += len(errors) < len(ways) or not ways


def _through_poke(session: Session, one: Standing) -> None:
    name = session.settings.reminders.poke
    with open_destination(session.settings, session.environment, session.archive, name) as (poke, _):
        if not isinstance(poke, PokeDestination):
            raise Refused(
                f"[reminders] poke names {name!r}, which is not Poke.", hint="Name a destination of that kind."
            )
        send = poke.client.fire if poke.settings.mode == "webhook" else poke.client.message
        send({"message": message_of(session, one)})


def _by_mail(session: Session, one: Standing) -> None:
    box = postbox_of(session.settings, session.environment)
    post(box, to=session.settings.reminders.mail, subject=f"Export of {one.called}", text=message_of(session, one))


def postbox_of(settings: Settings, environment: Environment) -> Postbox:
    """The server that sends, as the settings have it. Refused where something is missing."""
    mail, password = settings.mail, environment.get("MAIL_PASSWORD") or ""
    for name, value in (("[mail] smtp_host", mail.smtp_host), ("[mail] user", mail.user), ("MAIL_PASSWORD", password)):
        if not value:
            raise Refused(f"{name} is not set.", hint="docs/exports.md says what sending reminders takes.")
    return Postbox(host=mail.smtp_host, port=mail.smtp_port, user=mail.user, password=password, plain=mail.plain)


def message_of(session: Session, one: Standing) -> str:
    """A sentence, and where the click is. The link of a mail is not in it."""
    until = (to_iso(one.link_ends_at, session.settings.zone) or "")[:16].replace("T", " ")
    name = one.title if one.account == one.source else f"{one.account} ({one.title})"
    return WORDS[one.state].format(name=name, page=one.page, until=until)
