"""What OMI has and the webhooks did not bring comes in, once, and what was edited there holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive import leases
from commonplace.archive.access import users
from commonplace.archive.conversations.reading import conversation_ids, load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.inbox import Delivery, open_inbox
from commonplace.archive.opening import open_archive
from commonplace.config import load
from commonplace.moments import parse
from commonplace.session import Session
from commonplace.stages.forgetting import forget
from commonplace.stages.importing import reconciling
from commonplace.stages.importing.events import receive
from commonplace.stages.importing.reconciling import ReconcileReport, windows
from commonplace.stages.work import InProcess
from tests.fakes.omi import FakeOmi
from tests.sources.omi.test_reading import memory

SINCE = parse("2026-10-15T00:00:00Z")
UNTIL = parse("2026-11-20T00:00:00Z")


@pytest.fixture
def fake() -> Iterator[FakeOmi]:
    with FakeOmi(memory()) as server:
        yield server


@pytest.fixture
def session(sqlite_archive: Archive, fake: FakeOmi, tmp_path: Path) -> Session:
    return _session(sqlite_archive, fake, tmp_path)


def _session(archive: Archive, fake: FakeOmi, tmp_path: Path) -> Session:
    variables = {"COMMONPLACE_HOME": str(tmp_path / "home"), "OMI_API_KEY": fake.key, "OMI_BASE_URL": fake.address}
    settings, environment = load(variables, folder=tmp_path)
    return Session(settings, environment, archive)


def _reconcile(session: Session, since: int | None = SINCE, until: int | None = UNTIL) -> ReconcileReport:
    return reconciling.reconcile(session, work=InProcess(), since=since, until=until)


def _by_webhook(session: Session, *told: dict[str, Any]) -> None:
    with open_inbox(session.archive) as inbox:
        bodies = [json.dumps(one).encode() for one in told]
        inbox.put([Delivery(source="omi", kind="memory", uid="user-1", body=body) for body in bodies])
    receive(session)


def _said(session: Session, id: str = "omi:m-1") -> list[tuple[str | None, str]]:
    found = load_conversation(session.archive, id)
    assert found is not None
    return [(message.author, message.text) for message in found.messages]


def test_what_a_webhook_lost_comes_in_once(session: Session, fake: FakeOmi) -> None:
    _by_webhook(session, memory())
    fake.conversations.append(memory(id="lost"))
    report = _reconcile(session)
    assert (report.fetched, report.new, report.changed, report.stopped) == (2, 1, 0, None)
    assert sorted(conversation_ids(session.archive)) == ["omi:lost", "omi:m-1"]
    again = _reconcile(session)
    assert (again.fetched, again.read) == (2, 0)


def test_an_edit_holds_by_its_date(session: Session, fake: FakeOmi) -> None:
    _by_webhook(session, memory(updated_at="2026-11-05T00:00:00Z", structured={"title": "Newer here"}))
    fake.conversations = [memory(updated_at="2026-11-04T00:00:00Z", structured={"title": "Older there"})]
    _reconcile(session)
    told = load_conversation(session.archive, "omi:m-1")
    assert told is not None
    assert told.title == "Newer here"
    fake.conversations = [memory(updated_at="2026-11-06T00:00:00Z", structured={"title": "Edited there"})]
    assert _reconcile(session).changed == 1
    told = load_conversation(session.archive, "omi:m-1")
    assert told is not None
    assert told.title == "Edited there"


def test_segments_that_are_told_otherwise_are_the_same_ones(session: Session, fake: FakeOmi) -> None:
    _by_webhook(session, memory())
    before = _said(session)
    shorter = [
        {"text": one["text"], "speaker_id": one["speaker_id"], "speaker_name": "Somebody", "start": one["start"]}
        for one in memory()["transcript_segments"]
    ]
    fake.conversations = [memory(updated_at="2026-11-06T00:00:00Z", transcript_segments=shorter)]
    _reconcile(session)
    assert _said(session) == before


def test_what_was_forgotten_stays_so_and_what_the_archive_lost_comes_again(
    archive: Archive, fake: FakeOmi, tmp_path: Path
) -> None:
    session = _session(archive, fake, tmp_path)
    _reconcile(session)
    forget(archive, session.settings.home, ids=["omi:m-1"])
    assert _reconcile(session).read == 0
    assert conversation_ids(archive) == []
    fake.conversations = [memory(id="m-2")]
    _reconcile(session)
    with archive.write() as connection:
        connection.exec_driver_sql("DELETE FROM messages")
        connection.exec_driver_sql("DELETE FROM conversations")
    assert _reconcile(session).new == 1


def test_it_goes_on_where_it_ended_and_looks_back(session: Session, fake: FakeOmi) -> None:
    _reconcile(session, None, UNTIL)
    first = len(fake.asked)
    assert first > 30
    _reconcile(session, None, UNTIL)
    assert 1 <= len(fake.asked) - first <= 3


def test_what_was_read_before_it_had_to_stop_is_there_and_the_rest_next_time(session: Session, fake: FakeOmi) -> None:
    fake.conversations = [memory(id=f"m-{month}", created_at=f"2026-{month:02}-15T10:00:00Z") for month in range(1, 11)]
    at = parse("2026-06-01T00:00:00Z")

    def fail(query: dict[str, Any]) -> None:
        if parse(query["end_date"]) > at and not fake.faults:
            fake.faults = [(429, {"Retry-After": "40000"}, b"")]

    fake.before = fail
    report = _reconcile(session, None, UNTIL)
    assert report.stopped == "OMI takes no more requests for now."
    assert 4 <= report.new < 10
    fake.before = lambda query: None
    asked = len(fake.asked)
    report = _reconcile(session, None, UNTIL)
    assert report.stopped is None
    assert len(conversation_ids(session.archive)) == 10
    assert len(fake.asked) - asked < 12


def test_the_first_webhook_is_the_owners_also_after_a_first_reconciliation(session: Session) -> None:
    _reconcile(session)
    _by_webhook(session, memory(id="by-webhook"))
    assert list(users.uids_of(session.archive, "me")) == ["user-1"]
    assert sorted(conversation_ids(session.archive)) == ["omi:by-webhook", "omi:m-1"]


def test_without_a_key_it_says_how_to_get_one(sqlite_archive: Archive, tmp_path: Path) -> None:
    settings, environment = load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    report = _reconcile(Session(settings, environment, sqlite_archive))
    assert report.hint is not None
    assert "connect omi" in report.hint


def test_one_runs_at_a_time(session: Session) -> None:
    with leases.hold(session.archive, leases.reconciling("me")), pytest.raises(leases.AlreadyRunning):
        _reconcile(session)


def test_windows_are_the_same_whenever_they_are_asked_for() -> None:
    early, late = list(windows(SINCE, UNTIL)), list(windows(SINCE + 5, UNTIL))
    assert early == late
    assert all(end == start for (_, end), (start, _) in pairwise(early))
    assert early[0][0] <= SINCE
    assert early[-1][1] >= UNTIL


KILLED = """
import sys
from commonplace.session import open_session
from commonplace.stages.importing import reconciling
from commonplace.stages.work import InProcess

with open_session() as session:
    reconciling.reconcile(session, work=InProcess(), since=int(sys.argv[1]), until=int(sys.argv[2]))
"""


def test_killed_while_it_reads_it_loses_and_doubles_nothing(tmp_path: Path, fake: FakeOmi) -> None:
    fake.conversations = [
        memory(id=f"m-{n:02}", created_at=f"2026-11-{1 + n // 3:02}T{n % 3:02}:00:00Z") for n in range(40)
    ]
    home = {"COMMONPLACE_HOME": str(tmp_path / "home"), "OMI_API_KEY": fake.key, "OMI_BASE_URL": fake.address}
    command = [sys.executable, "-c", KILLED, str(SINCE), str(UNTIL)]
    with subprocess.Popen(command, env={**os.environ, **home}) as process:

        def kill(query: dict[str, Any]) -> None:
            if query.get("offset") != "0":
                process.kill()

        fake.before = kill
        assert process.wait(120) == -signal.SIGKILL
    fake.before = lambda query: None
    settings, environment = load(home, folder=tmp_path)
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        assert _reconcile(Session(settings, environment, archive)).stopped is None
        assert len(conversation_ids(archive)) == 40
