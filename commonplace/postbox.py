"""The one door to a server that takes mails: a few words to a person, encrypted on the way there."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import msgspec

from commonplace.errors import Halt, Refused
from commonplace.outgoing import TRUST, NotSent, Unanswered, untrusted

TIMEOUT_SECONDS = 30.0
TLS_AT_ONCE = 465
"""The port at which encryption begins before a word is said; at any other it is asked for."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Postbox(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is and who posts there."""

    host: str
    port: int
    user: str
    password: str
    plain: bool = False
    """Without encryption, which only this machine's own server is spoken to."""

    def __repr__(self) -> str:
        return f"Postbox({self.user} at {self.host})"


def check(box: Postbox) -> None:
    """Whether it lets the user in. Nothing is sent."""
    with _opened(box):
        pass


def post(box: Postbox, *, to: str, subject: str, text: str) -> None:
    """Send one mail. `NotSent` did not leave; of `Unanswered` nobody knows."""
    mail = EmailMessage()
    mail["From"] = box.user if "@" in box.user else to
    mail["To"], mail["Subject"] = to, subject
    mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain="commonplace")
    mail["Auto-Submitted"] = "auto-generated"  # nobody's holiday notice answers it
    mail.set_content(text)
    with _opened(box) as smtp:
        try:
            smtp.send_message(mail)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError):
            raise NotSent(f"{box.host} does not take the mail to {to}.", hint="Look at [reminders] mail.") from None
        except (OSError, smtplib.SMTPException):
            raise Unanswered(f"The mail server {box.host} stopped answering.") from None


@contextmanager
def _opened(box: Postbox) -> Iterator[smtplib.SMTP]:
    """Errors say what went wrong, and nothing that the server said."""
    try:
        smtp = _connect(box)
    except ssl.SSLCertVerificationError:
        raise NotSent(untrusted(box.host), hint=TRUST) from None
    except (OSError, smtplib.SMTPException):
        raise NotSent(f"The mail server {box.host} does not answer as it should.") from None
    try:
        try:
            if box.password:
                smtp.login(box.user, box.password)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, UnicodeError):
            raise Halt(
                f"{box.host} does not let {box.user} in.", hint="Set MAIL_PASSWORD to an app password."
            ) from None
        except (OSError, smtplib.SMTPException):
            raise NotSent(f"The mail server {box.host} stopped answering.") from None
        yield smtp
    finally:
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()
        smtp.close()


def _connect(box: Postbox) -> smtplib.SMTP:
    if box.plain:
        if box.host not in _LOOPBACK:
            raise Refused("[mail] plain is for a server of this machine alone.", hint="Leave it out.")
        return smtplib.SMTP(box.host, box.port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if box.port == TLS_AT_ONCE:
        return smtplib.SMTP_SSL(box.host, box.port, context=context, timeout=TIMEOUT_SECONDS)
    smtp = smtplib.SMTP(box.host, box.port, timeout=TIMEOUT_SECONDS)
    try:
        smtp.starttls(context=context)
    except BaseException:
        smtp.close()
        raise
    return smtp
