"""The mail about an export: noticed if one's own server vouches for it, and read without leaving a trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.archive import requests
from commonplace.archive.core import Archive
from commonplace.config import load
from commonplace.errors import Halt, Refused, Retryable
from commonplace.mailbox import Mailbox, opened
from commonplace.session import Session
from commonplace.stages.requests.mail import read_mail
from commonplace.stages.requests.standing import standings
from tests.fakes.mail.imap import PASSWORD, FakeImap

LINK = "https://chatgpt.com/backend-api/estuary/content?id=file-1&sig=x"
VOUCHED = "mx.mine.org; spf=pass; dkim=pass (2048-bit key) header.d=tm.openai.com header.s=s1"
ACCOUNTS = "[accounts.chatgpt]\n"


def mail(
    *, results: str | None = VOUCHED, sender: str = "OpenAI <noreply@tm.openai.com>", link: str = LINK, more: str = ""
) -> bytes:
    vouched = "" if results is None else f"Authentication-Results: {results}\n"
    return (
        f"{vouched}{more}From: {sender}\nTo: me@mine.org\nSubject: Your data is here\nMIME-Version: 1.0\n"
        f'Content-Type: text/html; charset="utf-8"\n\n<a href="{link.replace("&", "&amp;")}">Download</a>\n'
    ).encode()


@pytest.fixture
def imap() -> Iterator[FakeImap]:
    with FakeImap() as running:
        yield running


def session_of(
    imap: FakeImap, archive: Archive, tmp_path: Path, *, accounts: str = ACCOUNTS, folder: str = "INBOX", **more: str
) -> Session:
    (tmp_path / "commonplace.toml").write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {imap.port}\nuser = "me"\nserver = "mx.mine.org"\nplain = true\n'
        f'folder = "{folder}"\n{accounts}'
    )
    variables = {"COMMONPLACE_HOME": str(tmp_path), "MAIL_PASSWORD": PASSWORD, **more}
    return Session(*load(variables, folder=tmp_path), archive)


def test_the_link_of_a_mail_is_shown_and_the_mailbox_is_as_it_was(
    imap: FakeImap, archive: Archive, tmp_path: Path
) -> None:
    session = session_of(imap, archive, tmp_path)
    imap.deliver(mail())
    assert read_mail(session) == ["chatgpt"]
    (found,) = standings(session.settings, archive)
    assert (found.state, found.link) == ("ready", LINK)
    assert read_mail(session) == []  # it was looked at before
    assert [each for each in imap.asked if each.startswith("UID FETCH")] == [
        "UID FETCH 1 (INTERNALDATE BODY.PEEK[]<0.262144>)"
    ]
    assert {each.split()[0] for each in imap.asked} == {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}


FORGED = {
    "nobody vouches for it": mail(results=None),
    "another server does": mail(results=VOUCHED.replace("mx.mine.org", "mx.evil.org")),
    "its own server is below the sender's": mail(
        results="mx.evil.org; none", more=f"Authentication-Results: {VOUCHED}\n"
    ),
    "the signature is another's": mail(results="mx.mine.org; dkim=pass header.d=evil.org"),
    "the signature is bad": mail(results="mx.mine.org; dkim=fail header.d=openai.com"),
    "the name only ends alike": mail(results="mx.mine.org; dkim=pass header.d=notopenai.com"),
    "it vouches for itself in quotes": mail(
        results='mx.mine.org; dkim=pass header.i="a; dkim=pass header.d=openai.com; b"@evil.org'
    ),
    "it vouches for itself in a comment": mail(
        results="mx.mine.org; dkim=fail (x; dkim=pass header.d=openai.com) header.d=evil.org"
    ),
    "it is from two": mail(sender="noreply@openai.com, me@evil.org"),
    "its name is an address": mail(sender='"noreply@openai.com" <me@evil.org>'),
    "its link leads elsewhere": mail(link="https://chatgpt.com.evil.org/export"),
    "its link hides where it leads": mail(link="https://chatgpt.com@evil.org/export"),
    "its link is not encrypted": mail(link="http://chatgpt.com/export"),
    "it is about something else": mail(link="https://chatgpt.com/pricing"),
}


def test_a_mail_that_is_forged_or_about_something_else_is_not_noticed(
    imap: FakeImap, sqlite_archive: Archive, tmp_path: Path
) -> None:
    session = session_of(imap, sqlite_archive, tmp_path)
    for why, forged in FORGED.items():
        imap.deliver(forged)
        assert read_mail(session) == [], why
    imap.deliver(mail())
    assert read_mail(session) == ["chatgpt"]


@pytest.mark.parametrize("sender", ["openai.com<", "openai.com@"])
def test_a_mail_that_no_parser_understands_does_not_hide_the_next(
    imap: FakeImap, sqlite_archive: Archive, tmp_path: Path, sender: str
) -> None:
    imap.deliver(mail(sender=sender))
    imap.deliver(mail())
    assert read_mail(session_of(imap, sqlite_archive, tmp_path)) == ["chatgpt"]


def test_what_a_server_says_when_it_refuses_stays_out(imap: FakeImap, sqlite_archive: Archive, tmp_path: Path) -> None:
    imap.is_out_of_order = True
    with pytest.raises(Retryable, match=r"127\.0\.0\.1 stopped answering") as told:
        read_mail(session_of(imap, sqlite_archive, tmp_path))
    assert told.value.__cause__ is None


def test_two_accounts_are_told_apart_by_their_addresses(
    imap: FakeImap, sqlite_archive: Archive, tmp_path: Path
) -> None:
    two = "".join(
        f'[accounts.{name}]\nsource = "chatgpt"\naddress = "{address}"\n'
        for name, address in (("home", "me@mine.org"), ("work", "me@work.org"))
    )
    session = session_of(imap, sqlite_archive, tmp_path, accounts=two)
    imap.deliver(mail())
    assert read_mail(session) == ["home"]
    assert set(requests.requests(sqlite_archive)) == {"home"}


def test_messages_that_were_numbered_anew_are_looked_at_again_and_noticed_once(
    imap: FakeImap, sqlite_archive: Archive, tmp_path: Path
) -> None:
    session = session_of(imap, sqlite_archive, tmp_path)
    imap.deliver(mail())
    assert read_mail(session) == ["chatgpt"]
    before = requests.requests(sqlite_archive)
    imap.validity = 8
    assert read_mail(session) == []
    assert len([each for each in imap.asked if each.startswith("UID FETCH 1 ")]) == 2
    assert requests.requests(sqlite_archive) == before
    imap.validity = 9
    imap.deliver(mail(link=f"{LINK}-of-the-next"))
    assert read_mail(session) == ["chatgpt"]
    assert requests.requests(sqlite_archive)["chatgpt"].link == f"{LINK}-of-the-next"


def test_what_is_missing_or_wrong_is_said_and_no_password_with_it(
    imap: FakeImap, sqlite_archive: Archive, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="MAIL_PASSWORD is not set"):
        read_mail(session_of(imap, sqlite_archive, tmp_path, MAIL_PASSWORD=""))
    with pytest.raises(Halt, match="does not let me in") as refused:
        read_mail(session_of(imap, sqlite_archive, tmp_path, MAIL_PASSWORD="guessed"))
    assert "guessed" not in f"{refused.value} {refused.value.__cause__}"
    with pytest.raises(Halt, match="does not let me in"):
        read_mail(session_of(imap, sqlite_archive, tmp_path, MAIL_PASSWORD="schlüssel"))
    for folder in ("Exports", "Gelöscht"):
        with pytest.raises(Halt, match=f"no folder '{folder}'"):
            read_mail(session_of(imap, sqlite_archive, tmp_path, folder=folder))
    box = Mailbox(host="mail.example.org", port=143, user="me", password=PASSWORD, folder="INBOX", plain=True)
    with pytest.raises(Refused, match="this machine alone"), opened(box):
        pass
    assert PASSWORD not in repr(box)


@pytest.mark.parametrize(
    ("folder", "on_the_wire"),
    [
        ("Entwürfe & Co", "Entw&APw-rfe &- Co"),
        ("日本語/Exporte", "&ZeVnLIqe-/Exporte"),
        ("Entw&APw-rfe", "Entw&APw-rfe"),
        ("😀", "&2D3eAA-"),
    ],
)
def test_a_folder_is_asked_for_as_imap_writes_its_name(
    archive: Archive, tmp_path: Path, folder: str, on_the_wire: str
) -> None:
    with FakeImap(folder=on_the_wire) as imap:
        imap.deliver(mail())
        assert read_mail(session_of(imap, archive, tmp_path, folder=folder)) == ["chatgpt"]
        assert f'EXAMINE "{on_the_wire}"' in imap.asked
