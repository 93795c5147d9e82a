"""The names that were bought, kept apart from the archive, so that nothing is bought twice.

An answer is written down the moment it arrives, under the hash of what was asked (namer, project, the titles that were
shown); that there was no name is an answer too. The file is the person's own (mode 0600). Of each project only the
newest answer of a namer is kept.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType

import msgspec

from commonplace.projects.contract import Proposal, Unnamed
from commonplace.projects.naming_questions import sample_hash

_WAIT_SECONDS = 60.0
_TABLE = """
CREATE TABLE IF NOT EXISTS names (
    namer TEXT NOT NULL,
    project_id TEXT NOT NULL,
    sample TEXT NOT NULL,
    proposal BLOB NOT NULL,
    PRIMARY KEY (namer, project_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (one INTEGER PRIMARY KEY, identity TEXT NOT NULL);
INSERT OR IGNORE INTO file VALUES (1, lower(hex(randomblob(8))));
"""


class KnownNames:
    """The answers in one file, for any number of threads and processes. Closes as a context manager."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._connection.executescript(_TABLE)

    @property
    def identity(self) -> str:
        """Of this file. Whoever remembers elsewhere that something was asked must not find it here under another."""
        with self._lock:
            return str(self._connection.execute("SELECT identity FROM file").fetchone()[0])

    def find(self, projects: Sequence[Unnamed], namer_key: str) -> dict[str, Proposal | None]:
        """What this namer said of these projects as they are, by project id; None: it had no name."""
        wanted = {project.project_id: sample_hash(project, namer_key) for project in projects}
        with self._lock:
            said = self._connection.execute(
                "SELECT project_id, sample, proposal FROM names WHERE namer = ?", (namer_key,)
            )
            rows = said.fetchall()
        return {
            project_id: msgspec.json.decode(proposal, type=Proposal | None)
            for project_id, sample, proposal in rows
            if wanted.get(project_id) == sample
        }

    def keep(self, projects: Sequence[Unnamed], said: Mapping[str, Proposal], namer_key: str) -> None:
        """Write down what a namer said of these projects, or that it had no name for them."""
        rows = [
            (
                namer_key,
                project.project_id,
                sample_hash(project, namer_key),
                msgspec.json.encode(said.get(project.project_id)),
            )
            for project in projects
        ]
        with self._lock, closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany("INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?)", rows)
            cursor.execute("COMMIT")

    def forget(self, project_ids: Iterable[str]) -> None:
        """Remove everything that was said of these projects, from the disk as well."""
        with self._lock:
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.executemany("DELETE FROM names WHERE project_id = ?", [(id,) for id in project_ids])

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> KnownNames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def names_path(home: Path) -> Path:
    """Where the names of a home are."""
    return home / "answers" / "names.db"
