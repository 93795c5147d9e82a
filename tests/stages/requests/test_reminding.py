"""Who wants to know is told of the click that is left: once, and again in a week."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.archive import requests
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.config import load
from commonplace.moments import DAY, now
from commonplace.session import Session
from commonplace.stages.requests.reminding import RemindReport, remind_export
from commonplace.stages.requests.standing import named, say_asked, say_mailed
from tests.fakes.mail.smtp import PASSWORD, FakeSmtp
from tests.fakes.poke import FakePoke


@pytest.fixture
def poke() -> Iterator[FakePoke]:
    with FakePoke() as running:
        yield running


@pytest.fixture
def session(poke: FakePoke, sqlite_archive: Archive, tmp_path: Path) -> Session:
    (tmp_path / "commonplace.toml").write_text(
        '[reminders]\npoke = "poke"\n[accounts.chatgpt]\n[destinations.poke]\nallow_loopback = true\n'
        'max_retries = 0\n[hooks.mine]\nurl = "https://hooks.my-server.org"\n'
    )
    variables = {"COMMONPLACE_HOME": str(tmp_path), "POKE_API_KEY": poke.key, "POKE_API_ENDPOINT": poke.base_url}
    requests.change(sqlite_archive, "chatgpt", imported_at=now() - 40 * DAY)
    return Session(*load(variables, folder=tmp_path), sqlite_archive)


def told(report: RemindReport) -> tuple[int, int, int]:
    return report.waiting, report.told, len(report.errors)


def test_poke_and_hooks_are_told_once_and_again_in_a_week(session: Session, poke: FakePoke) -> None:
    archive = session.archive
    assert told(remind_export(session)) == (1, 1, 0)
    assert told(remind_export(session)) == (1, 0, 0)
    (message,) = poke.messages
    assert "time for a new export of ChatGPT: https://chatgpt.com" in message["message"]
    ((_, entry),) = ArchiveLedger(archive, "hook:mine").in_state("queued")
    assert entry.detail["payload"]["type"] == "export.due"
    requests.change(archive, "chatgpt", reminded_at=now() - 8 * DAY)
    assert told(remind_export(session)) == (1, 1, 0)


def test_a_link_is_told_of_and_not_passed_on(session: Session, poke: FakePoke) -> None:
    say_asked(session.settings, session.archive, "chatgpt")
    assert told(remind_export(session)) == (0, 0, 0)
    account = named(session.settings, session.archive, "chatgpt")
    say_mailed(session.archive, account, at=now(), link="https://chatgpt.com/secret-link")
    assert told(remind_export(session)) == (1, 1, 0)
    (message,) = poke.messages
    assert "is ready until" in message["message"]
    ((_, entry),) = ArchiveLedger(session.archive, "hook:mine").in_state("queued")
    assert entry.detail["payload"]["type"] == "export.ready"
    assert "secret-link" not in f"{message} {entry.detail}"


def test_who_was_not_reached_is_told_the_next_time_and_who_may_have_been_is_not(
    session: Session, poke: FakePoke
) -> None:
    poke.failures.append("401")
    assert told(remind_export(session)) == (1, 0, 1)
    poke.failures.append("lost after")
    assert told(remind_export(session)) == (1, 0, 1)
    assert told(remind_export(session)) == (1, 0, 0)
    assert len(poke.messages) == 1


@pytest.fixture
def smtp() -> Iterator[FakeSmtp]:
    with FakeSmtp() as running:
        yield running


@pytest.fixture
def by_mail(session: Session, smtp: FakeSmtp, tmp_path: Path) -> Session:
    (tmp_path / "commonplace.toml").write_text(
        '[reminders]\nmail = "me@mine.org"\n[accounts.chatgpt]\n[hooks.mine]\nurl = "https://hooks.my-server.org"\n'
        f'[mail]\nuser = "me"\nsmtp_host = "127.0.0.1"\nsmtp_port = {smtp.port}\nplain = true\n'
    )
    variables = {"COMMONPLACE_HOME": str(tmp_path), "MAIL_PASSWORD": PASSWORD}
    return Session(*load(variables, folder=tmp_path), session.archive)


def test_a_mail_tells_of_the_click_and_not_of_the_link(by_mail: Session, smtp: FakeSmtp) -> None:
    assert told(remind_export(by_mail)) == (1, 1, 0)
    account = named(by_mail.settings, by_mail.archive, "chatgpt")
    say_mailed(by_mail.archive, account, at=now(), link="https://chatgpt.com/secret-link")
    assert told(remind_export(by_mail)) == (1, 1, 0)
    assert told(remind_export(by_mail)) == (1, 0, 0)
    due, ready = smtp.mails
    assert (due["To"], due["Subject"]) == ("me@mine.org", "Export of ChatGPT")
    assert "time for a new export of ChatGPT: https://chatgpt.com" in due.get_content()
    assert "is ready until" in ready.get_content()
    assert "secret-link" not in str(ready)


def test_a_mail_that_was_not_taken_is_sent_again_and_one_that_may_have_been_is_not(
    by_mail: Session, smtp: FakeSmtp
) -> None:
    for verb, reply in {"AUTH": "535 no", "MAIL": "451 later", "RCPT": "550 who", "EHLO": "hang up"}.items():
        smtp.failures[verb] = reply
        report = remind_export(by_mail)
        assert told(report) == (1, 0, 1), verb
        assert PASSWORD not in str(report.errors)
        assert smtp.mails == []
    smtp.failures["after"] = "hang up"
    assert told(remind_export(by_mail)) == (1, 0, 1)
    assert told(remind_export(by_mail)) == (1, 0, 0)
    assert len(smtp.mails) == 1


def test_who_was_told_in_one_way_is_not_told_again_because_another_failed(
    by_mail: Session, poke: FakePoke, smtp: FakeSmtp, tmp_path: Path
) -> None:
    file = tmp_path / "commonplace.toml"
    settings = file.read_text().replace("[reminders]", '[reminders]\npoke = "poke"')
    file.write_text(f"{settings}[destinations.poke]\nallow_loopback = true\nmax_retries = 0\n")
    variables = {"POKE_API_KEY": poke.key, "POKE_API_ENDPOINT": poke.base_url, "MAIL_PASSWORD": PASSWORD}
    both = Session(*load({"COMMONPLACE_HOME": str(tmp_path), **variables}, folder=tmp_path), by_mail.archive)
    poke.failures.append("401")
    assert told(remind_export(both)) == (1, 1, 1)
    assert told(remind_export(both)) == (1, 0, 0)
    assert len(smtp.mails) == 1


def test_mail_without_encryption_goes_to_no_other_machine_and_a_missing_setting_is_named(
    by_mail: Session, smtp: FakeSmtp, tmp_path: Path
) -> None:
    plain = (tmp_path / "commonplace.toml").read_text()
    cases = {
        "MAIL_PASSWORD is not set": (plain, ""),
        "of this machine alone": (plain.replace('"127.0.0.1"', '"smtp.mine.org"'), PASSWORD),
        "does not answer as it should": (plain.replace("plain = true", ""), PASSWORD),  # it offers no encryption
    }
    for problem, (settings, password) in cases.items():
        (tmp_path / "commonplace.toml").write_text(settings)
        variables = {"COMMONPLACE_HOME": str(tmp_path), "MAIL_PASSWORD": password}
        report = remind_export(Session(*load(variables, folder=tmp_path), by_mail.archive))
        assert report.told == 0
        assert problem in report.errors[0]
    assert smtp.mails == []
