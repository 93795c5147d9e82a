"""The one door to a mailbox: read-only, one folder, and nothing in it is marked, moved or opened.

What a message says of itself can be forged. Whether it is really from whom it says is told by one's own mail server,
in the topmost `Authentication-Results`, which it puts above whatever came with the message.
"""

from __future__ import annotations

import imaplib
import re
import ssl
import time
from base64 import b64encode
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from typing import Any

import msgspec

from commonplace.errors import Halt, Refused, Retryable
from commonplace.outgoing import TRUST, untrusted

MOST_BYTES = 256 << 10
TIMEOUT_SECONDS = 30.0
ASKED_FOR_TLS = 143
"""The port at which encryption is asked for after the greeting."""
_BESIDE_ASCII = re.compile(r"[^ -~]+")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DOMAIN = re.compile(r"[a-z0-9.-]+")
_PAIR = re.compile(r"([\w.-]+)\s*=\s*(\S+)")


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is and who opens it."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    is_asked_for_tls: bool = False
    """Encryption begins after the greeting (STARTTLS), not before it; nothing is said without it."""
    plain: bool = False
    """Without encryption, which only this machine's own server is spoken to."""

    def __repr__(self) -> str:
        return f"Mailbox({self.user} at {self.host})"


class Mail(msgspec.Struct, frozen=True):
    """One message."""

    uid: int
    arrived_at: float
    source: bytes

    def parsed(self) -> EmailMessage:
        """What it says. Whoever writes a mail can write it so that the parser trips over it, with any exception."""
        return BytesParser(policy=policy.default).parsebytes(self.source)


@contextmanager
def opened(box: Mailbox) -> Iterator[Folder]:
    """Its folder, to be read. Errors say what went wrong, and nothing that the server said."""
    try:
        imap = _connect(box)
    except ssl.SSLCertVerificationError:
        raise Halt(untrusted(box.host), hint=TRUST) from None
    except (OSError, imaplib.IMAP4.error):
        raise Retryable(f"The mail server {box.host} does not answer as it should at port {box.port}.") from None
    try:
        try:
            imap.login(box.user, box.password)
        except (imaplib.IMAP4.error, UnicodeError):  # a password in other letters than IMAP knows
            raise Halt(
                f"{box.host} does not let {box.user} in.", hint="Set MAIL_PASSWORD to an app password."
            ) from None
        if all(imap.select(_quoted(name), readonly=True)[0] != "OK" for name in _as_imap_writes(box.folder)):
            raise Halt(f"There is no folder {box.folder!r} at {box.host}.", hint="Set [mail] folder.")
        yield Folder(imap)
    except (OSError, imaplib.IMAP4.error):
        raise Retryable(f"The mail server {box.host} stopped answering.") from None
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            imap.logout()
        with suppress(OSError):
            imap.shutdown()


class Folder:
    """An open folder."""

    def __init__(self, imap: imaplib.IMAP4) -> None:
        self._imap = imap
        told = imap.response("UIDVALIDITY")[1]
        self.validity = told[0].decode() if told and isinstance(told[0], bytes) else ""
        """Another one where numbers of messages mean others than before."""

    def since(self, day: float, domains: Collection[str], *, after: int) -> Iterator[Mail]:
        """What came since that day from these domains, with a number beyond `after`; in order."""
        date = imaplib.Time2Internaldate(day)[1:12].strip()
        numbers: set[int] = set()
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                raise ValueError(domain)
            found = self._ask("SEARCH", "SINCE", date, "FROM", f'"{domain}"')
            numbers |= {int(each) for each in (found[0] or b"").split()}
        for number in sorted(each for each in numbers if each > after):
            if mail := self._fetch(number):
                yield mail

    def _fetch(self, number: int) -> Mail | None:
        """PEEK: it stays unread."""
        told = self._ask("FETCH", str(number), f"(INTERNALDATE BODY.PEEK[]<0.{MOST_BYTES}>)")
        for part in told:
            if isinstance(part, tuple):
                date = imaplib.Internaldate2tuple(part[0])
                return Mail(number, time.mktime(date) if date else time.time(), part[1])
        return None

    def _ask(self, *asked: str) -> list[Any]:
        answer, told = self._imap.uid(*asked)
        if answer != "OK":
            raise imaplib.IMAP4.error("refused")
        return told


def sender_of(message: EmailMessage) -> str:
    """The domain of the one sender; empty where there is none, or more than one."""
    addresses = getaddresses([str(each) for each in message.get_all("From", [])])
    return addresses[0][1].rpartition("@")[2].lower() if len(addresses) == 1 else ""


def recipients_of(message: EmailMessage) -> set[str]:
    """The addresses it went to."""
    told = [str(each) for name in ("To", "Delivered-To", "X-Original-To") for each in message.get_all(name, [])]
    return {address.lower() for _, address in getaddresses(told) if address}


def signed_by(message: EmailMessage, server: str) -> set[str]:
    """The domains whose DKIM signature one's own server found good."""
    told = message.get_all("Authentication-Results", [])
    if not told or not server:
        return set()
    first, *results = _bare(str(told[0])).split(";")
    if not first.split() or first.split()[0].lower() != server.lower():
        return set()
    signers = set()
    for result in results:
        pairs = [(name.lower(), value.lower()) for name, value in _PAIR.findall(result)]
        if pairs and pairs[0] == ("dkim", "pass"):
            about = dict(pairs)
            signers.add(about.get("header.d") or about.get("header.i", "").rpartition("@")[2])
    return signers - {""}


def _bare(text: str) -> str:
    """Without comments and quoted words: what is in those is somebody else's."""
    kept, depth, is_quoted, is_escaped = [], 0, False, False
    for letter in text:
        if is_escaped:
            is_escaped = False
        elif letter == "\\":
            is_escaped = True
        elif letter == '"' and not depth:
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif letter in "()":
            depth = max(0, depth + (1 if letter == "(" else -1))
        elif not depth:
            kept.append(letter)
    return "".join(kept)


def _connect(box: Mailbox) -> imaplib.IMAP4:
    if box.plain and box.host not in _LOOPBACK:
        raise Refused("[mail] plain is for a server of this machine alone.", hint="Leave it out: mail is encrypted.")
    if box.plain:
        return imaplib.IMAP4(box.host, box.port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if not box.is_asked_for_tls:
        return imaplib.IMAP4_SSL(box.host, box.port, ssl_context=context, timeout=TIMEOUT_SECONDS)
    imap = imaplib.IMAP4(box.host, box.port, timeout=TIMEOUT_SECONDS)
    try:
        imap.starttls(ssl_context=context)
    except BaseException:
        with suppress(OSError):  # encryption may have taken the connection over
            imap.shutdown()
        raise
    return imap


def _as_imap_writes(folder: str) -> list[str]:
    """A folder's name in modified UTF-7 (RFC 3501, 5.1.3), or as it is told: who wrote it so already is understood."""
    written = _BESIDE_ASCII.sub(lambda found: f"&{_in_base64(found[0])}-", folder.replace("&", "&-"))
    return [written, folder] if folder.isascii() and folder != written else [written]


def _in_base64(letters: str) -> str:
    return b64encode(letters.encode("utf-16-be", "replace")).decode().rstrip("=").replace("/", ",")


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
