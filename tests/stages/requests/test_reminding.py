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
