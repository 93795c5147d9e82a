"""What judges answered (answer_file.py), under the hash of what was asked: conversation, content, taxonomy, judge.

Beside it stands what was asked in vain: conversations that a judge gave up, and those whose answers never came, because
the connection broke or the run was killed. Those may have been charged for; they are asked about last.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import msgspec

from commonplace.answer_file import AnswerFile
from commonplace.categorize.contract import Taxonomy
from commonplace.model import Verdict

_AT_ONCE = 500
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    verdict BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_of ON answers (conversation_id);
CREATE TABLE IF NOT EXISTS given_up (
    key BLOB PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unanswered (
    conversation_id TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    lost_usd REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS under_way (
    request INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    most_usd REAL NOT NULL,
    conversation_ids TEXT NOT NULL
);
"""


class Question(Protocol):
    """A conversation as it is: all that an answer is found by."""

    @property
    def conversation_id(self) -> str: ...

    @property
    def content_hash(self) -> str: ...


class Answers(AnswerFile):
    """The answers of a home."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLE)

    def find(self, subjects: Sequence[Question], taxonomy: Taxonomy, judge_key: str) -> dict[str, Verdict]:
        """What this judge answered on these subjects as they are, by conversation id."""
        keys = {_key(subject, taxonomy, judge_key): subject.conversation_id for subject in subjects}
        pairs = self._of_keys("SELECT key, verdict FROM answers", list(keys))
        return {keys[key]: msgspec.json.decode(zlib.decompress(said), type=Verdict) for key, said in pairs}

    def keep(self, verdicts: Iterable[Verdict]) -> None:
        """Write answers down, in place of earlier ones to the same question."""
        rows = [
            (
                _hash(each.conversation_id, each.content_hash, each.taxonomy, each.taxonomy_hash, each.judge),
                each.conversation_id,
                zlib.compress(msgspec.json.encode(each), 1),
            )
            for each in verdicts
        ]
        if not rows:
            return
        with self.transaction() as cursor:
            cursor.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)
            cursor.executemany("DELETE FROM given_up WHERE key = ?", [row[:1] for row in rows])
            cursor.executemany("DELETE FROM unanswered WHERE conversation_id = ?", [row[1:2] for row in rows])

    def give_up(self, subject: Question, taxonomy: Taxonomy, judge_key: str, reason: str) -> None:
        """This judge has no valid answer on the subject as it is."""
        row = (_key(subject, taxonomy, judge_key), subject.conversation_id, reason)
        self._write("INSERT OR REPLACE INTO given_up VALUES (?, ?, ?)", [row])

    def given_up(self, subjects: Sequence[Question], taxonomy: Taxonomy, judge_key: str) -> dict[str, str]:
        """Why this judge gave up these subjects as they are, by conversation id."""
        keys = {_key(subject, taxonomy, judge_key): subject.conversation_id for subject in subjects}
        return {keys[key]: reason for key, reason in self._of_keys("SELECT key, reason FROM given_up", list(keys))}

    def unanswered(self) -> set[str]:
        """The conversations that were asked about without an answer, neither good nor bad."""
        return {row[0] for row in self._read("SELECT conversation_id FROM unanswered")}

    def forget(self, conversation_ids: Iterable[str]) -> None:
        """Remove everything that was answered on these conversations, from the disk as well."""
        ids = list(conversation_ids)
        for table in ("answers", "given_up", "unanswered"):
            self._erase(f"DELETE FROM {table} WHERE conversation_id = ?", ids)  # noqa: S608
        self._erase("DELETE FROM under_way WHERE instr(conversation_ids, '\"' || ? || '\"')", ids)

    def count(self) -> int:
        """How many answers there are."""
        return int(self._read("SELECT count(*) FROM answers")[0][0])

    def _of_keys(self, select: str, keys: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(keys), _AT_ONCE):
            page = keys[start : start + _AT_ONCE]
            yield from self._read(f"{select} WHERE key IN ({','.join('?' * len(page))})", page)


def answers_path(home: Path) -> Path:
    """Where the answers of a home are."""
    return home / "answers" / "answers.db"


def _key(subject: Question, taxonomy: Taxonomy, judge_key: str) -> bytes:
    return _hash(subject.conversation_id, subject.content_hash, taxonomy.name, taxonomy.hash, judge_key)


def _hash(*asked: str) -> bytes:
    return blake2b(msgspec.json.encode(asked), digest_size=16).digest()
