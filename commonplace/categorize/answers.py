"""What judges answered (bought.py), under the hash of what was asked: conversation, content, taxonomy, judge."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import msgspec

from commonplace.answer_file import AnswerFile
from commonplace.categorize.contract import Subject, Taxonomy
from commonplace.model import Verdict

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


class Answers(AnswerFile):
    """The answers of a home."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLE)

    def find(self, subjects: Sequence[Question], taxonomy: Taxonomy, judge_key: str) -> dict[str, Verdict]:
        """What this judge answered on these subjects as they are, by conversation id."""
        keys = {_key(subject, taxonomy, judge_key): subject.conversation_id for subject in subjects}
        found: dict[str, Verdict] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), _AT_ONCE):
            page = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(page))
            pairs = self._read(f"SELECT key, verdict FROM answers WHERE key IN ({marks})", page)  # noqa: S608
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
        self._write("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)

    def forget(self, conversation_ids: Iterable[str]) -> None:
        """Remove everything that was answered on these conversations, from the disk as well."""
        self._erase("DELETE FROM answers WHERE conversation_id = ?", conversation_ids)

    def count(self) -> int:
        """How many answers there are."""
        return int(self._read("SELECT count(*) FROM answers")[0][0])


def answers_path(home: Path) -> Path:
    """Where the answers of a home are."""
    return home / "answers" / "answers.db"


def _key(subject: Question, taxonomy: Taxonomy, judge_key: str) -> bytes:
    asked = [subject.conversation_id, subject.content_hash, taxonomy.name, taxonomy.hash, judge_key]
    return blake2b(msgspec.json.encode(asked), digest_size=16).digest()
