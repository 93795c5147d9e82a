"""The inbox: durable, in order, each delivery once, on each dialect and while somebody else writes to the archive."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from commonplace.archive import inbox as inbox_module
from commonplace.archive.care.backup import backup
from commonplace.archive.care.restore import restore
from commonplace.archive.core import Archive
from commonplace.archive.engine import sqlite_module
from commonplace.archive.inbox import LOG_BYTES, Delivery, Inbox, file_of, has_inbox, log_of, open_inbox


@pytest.fixture
def inbox(archive: Archive) -> Iterator[Inbox]:
    with open_inbox(archive) as opened:
        yield opened


def _delivery(name: str, *, uid: str = "u", kind: str = "memory", **fields: object) -> Delivery:
    return Delivery(source="omi", kind=kind, uid=uid, body=name.encode(), **fields)  # type: ignore[arg-type]


def _waiting(inbox: Inbox, uid: str = "u") -> list[str]:
    return [entry.body.decode() for entry in inbox.waiting("omi", [uid], ["memory"], at_once=2)]


def test_what_came_first_is_read_first(inbox: Inbox) -> None:
    inbox.put([_delivery(f"{n}") for n in range(5)])
    inbox.put([_delivery("theirs", uid="v"), _delivery("other", kind="transcript")])
    assert _waiting(inbox) == ["0", "1", "2", "3", "4"]
    assert inbox.uids("omi", ["memory"]) == ["u", "v"]
    assert inbox.uids("omi", ["transcript"]) == ["u"]
    assert inbox.uids("omi", ["memory"], before=1) == []


def test_a_repeated_delivery_is_one(inbox: Inbox) -> None:
    inbox.put([_delivery("a", delivery="k-1"), _delivery("a again", delivery="k-1"), _delivery("b")])
    inbox.put([_delivery("a", delivery="k-1"), _delivery("b")])
    assert _waiting(inbox) == ["a", "b"]
    inbox.settle({entry.id: f"omi:{entry.id}" for entry in inbox.entries()})
    inbox.put([_delivery("a", delivery="k-1"), _delivery("b")])
    assert _waiting(inbox) == []


def test_of_what_is_done_only_its_identity_is_kept(inbox: Inbox) -> None:
    inbox.put([_delivery("private words")])
    (entry,) = inbox.entries()
    inbox.settle({entry.id: "omi:1"})
    assert (inbox.entries()[0].state, inbox.entries()[0].reason) == ("done", "omi:1")
    assert inbox.replay([entry.id]) == 0
    assert inbox.drop([entry.id]) == 0
    assert inbox.forget_done(entry.received_at + 1) == 1


def test_what_failed_keeps_its_reason_and_can_be_replayed_or_dropped(inbox: Inbox) -> None:
    inbox.put([_delivery("a"), _delivery("b"), _delivery("c", is_trusted=False)])
    a, b, c = reversed(inbox.entries())
    inbox.fail({a.id: "no JSON", b.id: "no JSON"})
    assert inbox.counts() == {"waiting": 0, "done": 0, "failed": 2, "quarantined": 1}
    assert inbox.replay() == 2
    assert _waiting(inbox) == ["a", "b"]
    assert inbox.replay([c.id]) == 1
    inbox.hold_back([a.id], "nobody claimed it")
    assert inbox.replay(uid="u") == 1
    assert inbox.drop([a.id, b.id]) == 2
    assert _waiting(inbox) == ["c"]


def test_it_takes_in_while_an_import_holds_the_archive(archive: Archive, inbox: Inbox) -> None:
    with archive.write():
        inbox.put([_delivery("a")])
    assert _waiting(inbox) == ["a"]


def test_many_may_open_it_for_the_first_time_at_once(archive: Archive) -> None:
    failures: list[Exception] = []

    def come(name: str) -> None:
        try:
            with open_inbox(archive) as opened:
                opened.put([_delivery(name)])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=come, args=(f"{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_inbox(archive) as opened:
        assert len(opened.entries()) == 6


def test_a_backup_holds_what_waits(archive: Archive, tmp_path: Path) -> None:
    assert not has_inbox(archive)
    with open_inbox(archive) as inbox:
        inbox.put([_delivery("\x00\xff waits"), _delivery("b")])
    backup(archive, tmp_path / "backup.zip")
    with open_inbox(archive) as inbox:
        inbox.drop([entry.id for entry in inbox.entries()])
        inbox.put([_delivery("later")])
    restore(archive, tmp_path / "backup.zip", force=True)
    with open_inbox(archive) as inbox:
        assert _waiting(inbox) == ["\x00\xff waits", "b"]
        inbox.put([_delivery("after it")])
        assert len(inbox.entries()) == 3


def test_what_was_answered_survives_a_power_cut(
    sqlite_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[Path] = []
    sync = inbox_module._sync

    def sync_and_copy(descriptor: int) -> None:
        """What a power cut would leave: all that was there when the disk was last waited for."""
        sync(descriptor)
        copies.append(_copied(sqlite_archive, tmp_path / f"{len(copies)}"))

    monkeypatch.setattr(inbox_module, "_sync", sync_and_copy)
    with open_inbox(sqlite_archive) as inbox:
        inbox.put([_delivery("a")])
        assert _left(copies[-1]) == [("waiting", b"a")]
        inbox.settle({entry.id: "omi:1" for entry in inbox.entries()})
        assert _left(copies[-1]) == [("done", None)]
        inbox.put([_delivery("b", is_trusted=False)])
        inbox.replay(uid="u")
        assert _left(copies[-1]) == [("done", None), ("waiting", b"b")]


def test_a_log_that_was_made_longer_beforehand_is_understood_and_used_again(
    sqlite_archive: Archive, tmp_path: Path
) -> None:
    with open_inbox(sqlite_archive) as inbox:
        inbox.put([_delivery("before")])
        inbox.make_room()
        for number in range(40):
            inbox.put([_delivery(f"{number:03}" * 100_000)])
            if number % 10 == 9:
                inbox.tidy()
        assert log_of(sqlite_archive).stat().st_size == LOG_BYTES
        inbox.put([_delivery("after")])
        bodies = [body for _, body in _left(_copied(sqlite_archive, tmp_path / "copy"))]
        assert bodies == [b"before", *(f"{number:03}".encode() * 100_000 for number in range(40)), b"after"]


def _copied(archive: Archive, folder: Path) -> Path:
    folder.mkdir()
    for path in (file_of(archive), log_of(archive)):
        shutil.copy(path, folder)
    return folder / file_of(archive).name


def _left(path: Path) -> list[tuple[str, bytes | None]]:
    with closing(sqlite_module().connect(path)) as connection:
        return [*connection.execute("SELECT state, body FROM inbox ORDER BY key")]


def test_its_log_does_not_grow_with_what_came_and_went(sqlite_archive: Archive) -> None:
    with open_inbox(sqlite_archive) as inbox:
        for number in range(60):
            inbox.put([_delivery(f"{number}" * 200_000)])
            inbox.settle({entry.id: "omi:1" for entry in inbox.entries("waiting")})
            inbox.forget_done(0)
        assert log_of(sqlite_archive).stat().st_size <= LOG_BYTES
