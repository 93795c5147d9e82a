"""The names that were bought (bought.py), under the hash of what was asked: namer, project, the titles that were shown.

That there was no name is an answer too. Of each project only the newest answer of a namer is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from commonplace.answer_file import AnswerFile
from commonplace.projects.contract import Proposal, Unnamed
from commonplace.projects.naming_questions import sample_hash

_TABLE = """
CREATE TABLE IF NOT EXISTS names (
    namer TEXT NOT NULL,
    project_id TEXT NOT NULL,
    sample TEXT NOT NULL,
    proposal BLOB NOT NULL,
    PRIMARY KEY (namer, project_id)
) WITHOUT ROWID;
"""


class KnownNames(AnswerFile):
    """The names of a home."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLE)

    def find(self, projects: Sequence[Unnamed], namer_key: str) -> dict[str, Proposal | None]:
        """What this namer said of these projects as they are, by project id; None: it had no name."""
        wanted = {project.project_id: sample_hash(project, namer_key) for project in projects}
        rows = self._read("SELECT project_id, sample, proposal FROM names WHERE namer = ?", (namer_key,))
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
        self._write("INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?)", rows)

    def forget(self, project_ids: Iterable[str]) -> None:
        """Remove everything that was said of these projects, from the disk as well."""
        self._erase("DELETE FROM names WHERE project_id = ?", project_ids)


def names_path(home: Path) -> Path:
    """Where the names of a home are."""
    return home / "answers" / "names.db"
