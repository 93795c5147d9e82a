"""Forgetting, everywhere that words of a conversation are kept: what judges and namers said, then the archive.

In this order, because the archive is what is asked again after a run that was killed: what it still has is still to do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import select

from commonplace.archive.care.forget import ForgetReport
from commonplace.archive.care.forget import forget as forget_in_archive
from commonplace.archive.core import Archive
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations
from commonplace.categorize.answers import Answers, answers_path
from commonplace.projects.known_names import KnownNames, names_path


def forget(
    archive: Archive,
    home: Path,
    *,
    ids: Collection[str] = (),
    project: str | None = None,
    before: int | None = None,
    purge_exports: bool = False,
) -> ForgetReport:
    """As `archive.forget.forget`, with the answers that judges gave, and what namers made of a project's titles."""
    concerned = forget_in_archive(
        archive, ids=ids, project=project, before=before, purge_exports=purge_exports, dry_run=True
    ).conversation_ids
    with Answers(answers_path(home)) as answers:
        answers.forget({*ids, *concerned})
    with KnownNames(names_path(home)) as names:
        names.forget(_projects_of(archive, concerned))
    return forget_in_archive(archive, ids=ids, project=project, before=before, purge_exports=purge_exports)


def _projects_of(archive: Archive, ids: Sequence[str]) -> set[str]:
    """The projects that these conversations are in: their titles were shown to namers."""
    table, found = conversations.c, set()
    with archive.read() as connection:
        for some in batched(ids):
            wanted = table.owner == archive.owner, table.id.in_(some)
            found |= set(connection.execute(select(table.project_id).where(*wanted)).scalars())
    return {project_id for project_id in found if project_id}
