"""The mail that an assistant sends when an export is ready: noticed, and its link shown. Nothing is fetched from it."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from urllib.parse import urlsplit

from commonplace.archive import requests
from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.archive.requests import ExportRequest
from commonplace.config import Environment, Settings
from commonplace.errors import Refused
from commonplace.mailbox import ASKED_FOR_TLS, Mail, Mailbox, opened, recipients_of, sender_of, signed_by
from commonplace.moments import SECOND
from commonplace.session import Session
from commonplace.sources.getting import Asking, is_within
from commonplace.stages.requests.standing import Account, accounts, say_mailed

LOOK_BACK_SECONDS = 8 * 86_400
_ADDRESS = re.compile(r"https://[^\s\"'<>]{1,2000}")
_OF_EXPORT = re.compile(r"estuary|export|takeout|\.zip\b", re.IGNORECASE)


def read_mail(session: Session) -> list[str]:
    """Look for mails about exports that were not looked at before; the accounts whose export is ready."""
    settings, archive = session.settings, session.archive
    known = [account for account in accounts(settings, archive) if account.asking.senders]
    domains = sorted({domain for account in known for domain in account.asking.senders})
    name = f"mail:{archive.owner}"
    noticed = []
    with opened(mailbox_of(settings, session.environment)) as folder:
        validity, _, last = (recall(archive, name) or "").partition(" ")
        newest = int(last) if last and validity == folder.validity else 0
        for mail in folder.since(time.time() - LOOK_BACK_SECONDS, domains, after=newest):
            if found := _understood(mail, known, server=settings.mail.server):
                account, link = found
                arrived_at = int(mail.arrived_at * SECOND)
                if _is_news(archive, account, arrived_at, link):
                    say_mailed(archive, account, at=arrived_at, link=link)
                    noticed.append(account.name)
            newest = max(newest, mail.uid)
        remember(archive, name, f"{folder.validity} {newest}")
    return noticed


def _is_news(archive: Archive, account: Account, arrived_at: int, link: str) -> bool:
    """Not if it came before the newest that was noticed, or is that one: a server may number its mails anew."""
    request = requests.requests(archive).get(account.name, ExportRequest(account=account.name))
    newest_at = request.mail_at or 0
    return arrived_at > newest_at or (arrived_at == newest_at and link != request.link)


def mailbox_of(settings: Settings, environment: Environment) -> Mailbox:
    """The mailbox of the settings. Refused where something is missing."""
    mail, password = settings.mail, environment.get("MAIL_PASSWORD") or ""
    for name, value in (("[mail] user", mail.user), ("[mail] server", mail.server), ("MAIL_PASSWORD", password)):
        if not value:
            raise Refused(f"{name} is not set.", hint="docs/exports.md says what a mailbox takes.")
    return Mailbox(
        host=mail.host,
        port=mail.port,
        user=mail.user,
        password=password,
        folder=mail.folder,
        is_asked_for_tls=mail.port == ASKED_FOR_TLS,
        plain=mail.plain,
    )


def _understood(mail: Mail, known: Sequence[Account], *, server: str) -> tuple[Account, str] | None:
    try:
        return about(mail.parsed(), known, server=server)
    except Exception:  # no assistant writes so, and one hostile mail must not hide those after it; its text stays out
        return None


def about(message: EmailMessage, known: Sequence[Account], *, server: str) -> tuple[Account, str] | None:
    """Whose export it says is ready, and where: if it is from the assistant, as one's own mail server says."""
    sender, signers = sender_of(message), signed_by(message, server)
    candidates = [
        account
        for account in known
        if is_within(sender, account.asking.senders)
        and any(is_within(signer, account.asking.senders) for signer in signers)
    ]
    account = _whose(candidates, recipients_of(message))
    link = _link(message, account.asking) if account else None
    return (account, link) if account and link else None


def _whose(candidates: Sequence[Account], recipients: set[str]) -> Account | None:
    addressed = [account for account in candidates if account.address.lower() in recipients]
    if len(addressed) == 1:
        return addressed[0]
    return candidates[0] if len(candidates) == 1 and not candidates[0].address else None


def _link(message: EmailMessage, asking: Asking) -> str | None:
    """The first that leads to an export; where the subject is about one, the first that leads to the assistant."""
    ours = [link for link in _links(message) if _leads_to(link, asking)]
    exports = [link for link in ours if _OF_EXPORT.search(link)]
    is_about_one = _OF_EXPORT.search(str(message.get("Subject", "")))
    return next(iter(exports), None) or (next(iter(ours), None) if is_about_one else None)


def _links(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_type() in ("text/html", "text/plain"):
            try:
                text = part.get_content()
            except (LookupError, UnicodeError):  # in an encoding that does not exist
                continue
            yield from map(html.unescape, _ADDRESS.findall(text))


def _leads_to(link: str, asking: Asking) -> bool:
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or port not in (None, 443) or not link.isascii():
        return False
    return is_within(parts.hostname or "", asking.hosts) and len(parts.path) > 1
