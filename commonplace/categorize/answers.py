"""What judges answered, kept apart from the archive, so that nothing is bought twice.

An answer is written down the moment it arrives, before anything is recorded: a run that dies, or an archive that is
restored without its verdicts, finds it again under the hash of what was asked (conversation, content, taxonomy, judge).

Answers hold summaries of private conversations: the file is the person's own (mode 0600), and forgetting a
conversation forgets them too.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

from commonplace.categorize.contract import Subject, Taxonomy
from commonplace.model import Verdict

_WAIT_SECONDS = 60.0
_AT_ONCE = 500
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    verdict BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_of ON answers (conversation_id);
"""


class Question(Protocol):
    """A conversation as it is: all that an answer is found by."""

    @property
    def conversation_id(self) -> str: ...

    @property
    def content_hash(self) -> str: ...


class Answers:
    """The answers in one file, for any number of threads and processes. Closes as a context manager."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        # No WAL: see engine.py for what older SQLite versions do to it.
        self._connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._connection.executescript(_TABLE)

    def find(self, subjects: Sequence[Question], taxonomy: Taxonomy, judge_key: str) -> dict[str, Verdict]:
        """What this judge answered on these subjects as they are, by conversation id."""
        keys = {_key(subject, taxonomy, judge_key): subject.conversation_id for subject in subjects}
        found: dict[str, Verdict] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), _AT_ONCE):
            page = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(page))
            with self._lock:
                rows = self._connection.execute(f"SELECT key, verdict FROM answers WHERE key IN ({marks})", page)  # noqa: S608
                pairs = rows.fetchall()
            found.update((keys[key], msgspec.json.decode(zlib.decompress(said), type=Verdict)) for key, said in pairs)
        return found

    def keep(self, answered: Iterable[tuple[Subject, Verdict]], taxonomy: Taxonomy) -> None:
        """Write answers down, in place of earlier ones to the same question."""
        rows = [
            (
                _key(subject, taxonomy, verdict.judge),
                verdict.conversation_id,
                zlib.compress(msgspec.json.encode(verdict), 1),
            )
            for subject, verdict in answered
        ]
        if not rows:
            return
        with self._lock, closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)
            cursor.execute("COMMIT")

    def forget(self, conversation_ids: Iterable[str]) -> None:
        """Remove everything that was answered on these conversations, from the disk as well."""
        with self._lock:
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.executemany(
                "DELETE FROM answers WHERE conversation_id = ?", [(id,) for id in conversation_ids]
            )

    def count(self) -> int:
        """How many answers there are."""
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Answers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def answers_path(home: Path) -> Path:
    """Where the answers of a home are."""
    return home / "answers" / "answers.db"


def _key(subject: Question, taxonomy: Taxonomy, judge_key: str) -> bytes:
    asked = [subject.conversation_id, subject.content_hash, taxonomy.name, taxonomy.hash, judge_key]
    return blake2b(msgspec.json.encode(asked), digest_size=16).digest()
