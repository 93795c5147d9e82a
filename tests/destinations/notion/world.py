"""What Notion's tests share: documents, settings, and a ledger that survives kill -9."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from commonplace.destinations.contract import Document, Edit, PullsEdits
from commonplace.destinations.notion import NotionSettings
from commonplace.destinations.notion.governor import Clock
from commonplace.model import Conversation, LedgerEntry, LedgerItem, LedgerState, Message, Role
from commonplace.moments import now
from tests.fakes.notion import FakeNotion

DAY = 86_400_000_000
START = 1_770_000_000_000_000


class FileLedger:
    """A ledger in one SQLite file; every write commits. Used on the thread that made it, as the contract allows."""

    def __init__(self, path: Path | str = ":memory:", *, archive: str = "0a0a0a0a") -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("CREATE TABLE IF NOT EXISTS ledger (id TEXT PRIMARY KEY, entry TEXT)")
        self._file.execute("CREATE TABLE IF NOT EXISTS memory (name TEXT PRIMARY KEY, value TEXT)")
        self.writes: list[tuple[str, str]] = []
        self.marks = [archive]

    def archives(self) -> list[str]:
        return self.marks

    def check(self) -> None:
        """Nobody takes anything over here."""

    def get(self, conversation_ids: Iterable[str]) -> dict[str, LedgerEntry]:
        return {i: entry for i in conversation_ids if (entry := self._entry(i)) is not None}

    def intend(self, conversation_id: str, input_hash: str, detail: Mapping[str, Any] | None = None) -> None:
        self._put(conversation_id, "intent", input_hash, detail)

    def done(
        self,
        conversation_id: str,
        input_hash: str,
        remote_id: str,
        remote_url: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        self._put(conversation_id, "done", input_hash, detail, remote_id, remote_url)

    def fail(self, conversation_id: str, input_hash: str, reason: str) -> None:
        self._put(conversation_id, "failed", input_hash, None, reason=reason)

    def uncertain(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        self._put(conversation_id, "uncertain", input_hash, detail, reason=reason)

    def conflict(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        self._put(conversation_id, "conflict", input_hash, detail, reason=reason)

    def refused(self, conversation_id: str) -> None:
        self._put(conversation_id, "failed", "", None)

    def queue(self, conversation_id: str, input_hash: str, detail: Mapping[str, Any] | None = None) -> None:
        self._put(conversation_id, "queued", input_hash, detail)

    def removed(self, conversation_id: str) -> None:
        self._file.execute("DELETE FROM ledger WHERE id = ?", [conversation_id])

    def remote_ids(self) -> Iterator[tuple[str, LedgerEntry]]:
        for conversation_id, text in self._file.execute("SELECT id, entry FROM ledger").fetchall():
            entry = msgspec.json.decode(text, type=LedgerEntry)
            if entry.remote_id:
                yield conversation_id, entry

    def in_state(self, *states: LedgerState, prefix: str = "") -> Iterator[tuple[str, LedgerEntry]]:
        for conversation_id, text in self._file.execute("SELECT id, entry FROM ledger ORDER BY id").fetchall():
            entry = msgspec.json.decode(text, type=LedgerEntry)
            if entry.state in states and conversation_id.startswith(prefix):
                yield conversation_id, entry

    def recall(self, name: str) -> str | None:
        row = self._file.execute("SELECT value FROM memory WHERE name = ?", [name]).fetchone()
        return str(row[0]) if row else None

    def remember(self, name: str, value: str) -> None:
        self._file.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", [name, value])

    def items(self, conversation_id: str) -> list[LedgerItem]:
        raise AssertionError("Notion's pages have no parts of their own in the ledger.")

    def add_items(self, conversation_id: str, items: Sequence[LedgerItem]) -> None:
        raise AssertionError("Notion's pages have no parts of their own in the ledger.")

    def drop_items(self, conversation_id: str, ids: Iterable[str]) -> None:
        raise AssertionError("Notion's pages have no parts of their own in the ledger.")

    def states(self) -> list[str]:
        return [json.loads(text)["state"] for (text,) in self._file.execute("SELECT entry FROM ledger ORDER BY id")]

    def _entry(self, conversation_id: str) -> LedgerEntry | None:
        row = self._file.execute("SELECT entry FROM ledger WHERE id = ?", [conversation_id]).fetchone()
        return msgspec.json.decode(row[0], type=LedgerEntry) if row else None

    def _put(
        self,
        conversation_id: str,
        state: LedgerState,
        input_hash: str,
        detail: Mapping[str, Any] | None,
        remote_id: str | None = None,
        remote_url: str | None = None,
        reason: str | None = None,
    ) -> None:
        old = self._entry(conversation_id)
        entry = LedgerEntry(
            state=state,
            input_hash=input_hash,
            remote_id=remote_id or (old.remote_id if old else None),
            remote_url=remote_url or (old.remote_url if old else None),
            detail=dict(detail) if detail is not None else old.detail if old else {},
            reason=reason,
            updated_at=now(),
        )
        text = msgspec.json.encode(entry).decode()
        self._file.execute("INSERT OR REPLACE INTO ledger VALUES (?, ?)", [conversation_id, text])
        self.writes.append((conversation_id, state))


class NoWaiting(Clock):
    """Time that is skipped where one would wait for it to pass."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def now(self) -> float:
        return super().now() + self.skipped

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            super().wait(condition, seconds)
        else:
            self.skipped += seconds


def edits_of(destination: PullsEdits, ledger: FileLedger, since: int | None = None) -> list[Edit]:
    """What comes back from there, remarks aside."""
    return [found for found in destination.pull(ledger, since) if isinstance(found, Edit)]


def settings_for(notion: FakeNotion, source: str, **changes: Any) -> NotionSettings:
    """Settings with waits that suit a test."""
    given: dict[str, Any] = {
        "token": notion.token,
        "base_url": notion.base_url,
        "data_source_id": source,
        "requests_per_minute": notion.per_window,
        "window_seconds": notion.window_seconds,
        "timeout_seconds": 2.0,
        "lookup_interval_seconds": 0.05,
    }
    return NotionSettings(**given | changes)


def message(text: str, role: Role = "user", *, number: int = 0, **more: Any) -> Message:
    return Message(id=f"m{number}", role=role, text=text, position=number, **more)


def document(
    number: int = 1, *, turns: int = 2, texts: list[str] | None = None, title: str | None = None, **more: Any
) -> Document:
    """A conversation of some turns; its inputs' hash is made of everything given."""
    texts = texts if texts is not None else [f"Turn {turn} of talk {number}." for turn in range(turns)]
    roles: list[Role] = ["user", "assistant"]
    conversation = Conversation(
        source="chatgpt",
        external_id=f"talk-{number}",
        title=title or f"Talk {number}",
        created_at=START + number * DAY,
        updated_at=START + number * DAY + len(texts),
        messages=[message(text, roles[n % 2], number=n) for n, text in enumerate(texts)],
        url=f"https://chatgpt.com/c/talk-{number}",
        model="gpt-5",
    )
    return document_of(
        conversation, **{"category": "Coding", "tags": ["python", "notion"], "summary": "A talk."} | more
    )


def document_of(conversation: Conversation, **more: Any) -> Document:
    unhashed = Document(conversation=conversation, input_hash="", **more)
    return msgspec.structs.replace(unhashed, input_hash=str(hash(msgspec.json.encode(unhashed))))
