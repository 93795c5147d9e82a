"""What came in by webhook becomes conversations: in order, each once, whole, and its owner's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from commonplace.archive import leases
from commonplace.archive.access import users
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.reading import conversation_ids, load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.files import files
from commonplace.archive.inbox import Delivery, Inbox, open_inbox
from commonplace.archive.inbox import inbox as inbox_table
from commonplace.archive.search.search import search
from commonplace.config import load
from commonplace.moments import now
from commonplace.session import Session
from commonplace.stages.forgetting import forget
from commonplace.stages.importing import events
from commonplace.stages.importing.events import EventsReport, receive
from tests.sources.omi.test_reading import PIXEL, memory

HOUR = 3600 * 1_000_000


@pytest.fixture
def session(archive: Archive, tmp_path: Path) -> Session:
    settings, environment = load({"COMMONPLACE_HOME": str(tmp_path / "home")}, folder=tmp_path)
    return Session(settings, environment, archive)


@pytest.fixture
def inbox(archive: Archive) -> Iterator[Inbox]:
    with open_inbox(archive) as opened:
        yield opened


def _put(inbox: Inbox, told: Any, *, kind: str = "memory", uid: str = "user-1", **fields: Any) -> None:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    inbox.put([Delivery(source="omi", kind=kind, uid=uid, body=body, **fields)])


def _counts(report: EventsReport) -> tuple[int, int, int, int, int]:
    assert report.is_balanced
    return report.new, report.changed, report.unchanged, report.empty, report.failed


def _texts(archive: Archive, id: str) -> list[str]:
    found = load_conversation(archive, id)
    return [message.text for message in found.messages] if found else []


def test_a_conversation_lands_once_however_often_it_is_sent(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory(), delivery="k-1")
    _put(inbox, memory(), delivery="k-1")
    assert _counts(receive(session)) == (1, 0, 0, 0, 0)
    _put(inbox, memory(), delivery="k-2")
    assert _counts(receive(session)) == (0, 0, 1, 0, 0)
    assert conversation_ids(session.archive) == ["omi:m-1"]
    assert [found.id for found in search(session.archive, "send").results] == ["omi:m-1"]
    assert inbox.counts() == {"waiting": 0, "done": 2, "failed": 0, "quarantined": 0}
    assert _counts(receive(session)) == (0, 0, 0, 0, 0)
    assert len(imports.history(session.archive)) == 2  # a run that finds nothing leaves no trace


def test_of_two_states_the_newer_holds_in_whichever_order_they_come(session: Session, inbox: Inbox) -> None:
    edited = memory(updated_at="2026-11-02T00:00:00+00:00", structured={"title": "Edited"})
    _put(inbox, edited)
    _put(inbox, memory())
    receive(session)
    found = load_conversation(session.archive, "omi:m-1")
    assert found is not None
    assert found.title == "Edited"


def test_what_cannot_be_used_says_why_and_leaves_the_others_alone(session: Session, inbox: Inbox) -> None:
    _put(inbox, b"no json")
    _put(inbox, memory())
    _put(inbox, {})
    report = receive(session)
    assert _counts(report) == (1, 0, 0, 0, 2)
    failed = inbox.entries("failed")
    assert sorted(entry.reason for entry in failed) == sorted(defect.reason for defect in report.defects)
    assert inbox.replay() == 2
    assert _counts(receive(session)) == (0, 0, 0, 0, 2)
    assert inbox.entries("failed")[0].attempts == 2


def test_pictures_are_kept_as_files(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory(photos=[{"id": "p", "base64": PIXEL, "description": "A whiteboard"}]))
    receive(session)
    found = load_conversation(session.archive, "omi:m-1")
    assert found is not None
    (attachment,) = [file for message in found.messages for file in message.attachments]
    assert attachment.sha256 is not None
    kept = files.path_of(session.archive, attachment.sha256)
    assert kept is not None
    assert kept.read_bytes().startswith(b"\x89PNG")


def test_pictures_do_not_fill_the_memory(session: Session, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_BYTES_OF_FILES", 1)
    for n in range(5):
        _put(inbox, memory(id=f"m-{n}", photos=[{"id": "p", "base64": PIXEL}]))
    assert _counts(receive(session)) == (5, 0, 0, 0, 0)
    assert inbox.counts()["done"] == 5


def test_what_was_taken_back_is_not_taken_in_and_is_marked_where_it_was(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory(id="never", discarded=True))
    _put(inbox, memory(id="known"))
    assert _counts(receive(session)) == (1, 0, 0, 1, 0)
    _put(inbox, memory(id="known", status="deleted", transcript_segments=[], structured={}))
    receive(session)
    found = load_conversation(session.archive, "omi:known")
    assert found is not None
    assert found.is_archived
    assert len(found.messages) == 3


def test_what_was_forgotten_does_not_come_back(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory())
    receive(session)
    forget(session.archive, session.settings.home, ids=["omi:m-1"])
    _put(inbox, memory(), delivery="again")
    assert _counts(receive(session)) == (0, 0, 1, 0, 0)
    assert conversation_ids(session.archive) == []


def test_the_first_uid_is_the_owners_and_later_ones_wait_to_be_claimed(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory(id="mine"))
    receive(session)
    _put(inbox, memory(id="theirs"), uid="user-2")
    report = receive(session)
    assert report.unclaimed == ["user-2"]
    assert "claim-uid NAME user-2" in inbox.entries("quarantined")[0].reason
    ada = users.add_user(session.archive, "ada", None).owner
    users.claim_uid(session.archive, ada, "user-2")
    inbox.replay(uid="user-2")
    receive(session)
    assert conversation_ids(session.archive) == ["omi:mine"]
    assert conversation_ids(session.archive.of(ada)) == ["omi:theirs"]


def test_while_an_import_runs_deliveries_wait(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory())
    with leases.hold(session.archive, leases.importing("me")):
        report = receive(session)
    assert (report.busy, report.waiting) == (["me"], 1)
    assert _counts(receive(session)) == (1, 0, 0, 0, 0)


def _piece(inbox: Inbox, at: int, text: str, start: float = 0.0) -> None:
    told = {"segments": [{"text": text, "speaker_id": 0, "start": start, "end": start + 4}], "session_id": "user-1"}
    _put(inbox, told, kind="transcript", received_at=at)


def test_pieces_wait_for_the_whole_and_are_done_with_it(session: Session, inbox: Inbox) -> None:
    started = now() - 10 * 60 * 1_000_000
    _piece(inbox, started + 5_000_000, "I'll send")
    assert receive(session).waiting == 1
    assert conversation_ids(session.archive) == []
    times = {"started_at": started / 1e6, "finished_at": str((started + 60_000_000) / 1e6), "created_at": started / 1e6}
    _put(inbox, memory(**times))
    report = receive(session)
    assert (report.new, report.waiting) == (1, 0)
    assert {entry.reason for entry in inbox.entries("done")} == {"omi:m-1"}
    assert conversation_ids(session.archive) == ["omi:m-1"]


def test_without_a_whole_they_are_assembled_and_give_way_when_it_arrives(session: Session, inbox: Inbox) -> None:
    started = now() - 3 * HOUR
    _piece(inbox, started + 5_000_000, "I'll send", 0.0)
    _piece(inbox, started + 9_000_000, "the plan", 4.0)
    assert _counts(receive(session)) == (1, 0, 0, 0, 0)
    (assembled,) = conversation_ids(session.archive)
    assert _texts(session.archive, assembled) == ["I'll send", "the plan"]
    assert inbox.counts()["done"] == 2
    times = {"started_at": started / 1e6, "finished_at": str((started + 60_000_000) / 1e6), "created_at": started / 1e6}
    _put(inbox, memory(**times))
    assert receive(session).replaced == 1
    assert conversation_ids(session.archive) == ["omi:m-1"]
    _piece(inbox, started + 12_000_000, "late", 8.0)
    receive(session)
    assert conversation_ids(session.archive) == ["omi:m-1"]


def test_killed_before_it_was_settled_it_is_merged_again_and_once(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory())
    receive(session)
    with inbox.engine.begin() as connection:
        body = json.dumps(memory()).encode()
        connection.execute(update(inbox_table).values(state="waiting", body=body))
    assert _counts(receive(session)) == (0, 0, 1, 0, 0)
    assert inbox.counts()["done"] == 1


def test_done_deliveries_are_forgotten_after_a_while(session: Session, inbox: Inbox) -> None:
    _put(inbox, memory(), received_at=now() - events.REPEATS_KNOWN - HOUR)
    receive(session)
    assert inbox.entries() == []
