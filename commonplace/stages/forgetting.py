"""Forgetting, everywhere that words of a conversation are kept: what judges said and learned, then the archive.

In this order, because the archive is what is asked again after a run that was killed: what it still has is still to do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import select

from commonplace.archive.care.backup import backup
from commonplace.archive.care.forget import ForgetReport
from commonplace.archive.care.forget import forget as forget_in_archive
from commonplace.archive.care.restore import DAMAGED
from commonplace.archive.core import Archive
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.local.kind import MODELS, models_path
from commonplace.projects.known_names import KnownNames, names_path
from commonplace.stages.categorizing.recurrence import forget_recurring
from commonplace.stages.maintain import backup_path
from commonplace.stages.several import forget_choices


def forget(
    archive: Archive,
    home: Path,
    *,
    ids: Collection[str] = (),
    project: str | None = None,
    before: int | None = None,
    purge_exports: bool = False,
    renew_backups: bool = False,
) -> ForgetReport:
    """As `archive.forget.forget`, with the answers that judges gave, what namers made of a project's titles, and what
    the local judge learned. `renew_backups`: a new backup takes the place of those that still have the words."""
    concerned = forget_in_archive(
        archive, ids=ids, project=project, before=before, purge_exports=purge_exports, dry_run=True
    ).conversation_ids
    with Answers(answers_path(home)) as answers:
        answers.forget({*ids, *concerned})
    forget_recurring(archive)
    forget_choices(home)
    with KnownNames(names_path(home)) as names:
        names.forget(_projects_of(archive, concerned))
    for model in models_path(home).glob(MODELS):
        model.unlink()
    report = forget_in_archive(archive, ids=ids, project=project, before=before, purge_exports=purge_exports)
    report.copies = [path.name for path in copies(archive, home)]
    if renew_backups:
        _renew_backups(archive, home, report)
    return report


def copies(archive: Archive, home: Path) -> list[Path]:
    """Backups and older copies of the archive on this machine, as far as they are known: they forget nothing."""
    folders = {home / "backups"}
    found: list[Path] = []
    if archive.is_sqlite and archive.engine.url.database:
        database = Path(archive.engine.url.database)
        folders.add(database.parent / "backups")
        found += database.parent.glob(f"{database.name}{DAMAGED}*")
    return sorted({*found, *(path for folder in folders for path in folder.glob("*") if path.is_file())})


def _renew_backups(archive: Archive, home: Path, report: ForgetReport) -> None:
    old = copies(archive, home)
    backup(archive, backup_path(home))
    for path in old:
        path.unlink(missing_ok=True)
    report.copies, report.copies_removed = [], len(old)


def _projects_of(archive: Archive, ids: Sequence[str]) -> set[str]:
    """The projects that these conversations are in: their titles were shown to namers."""
    table, found = conversations.c, set()
    with archive.read() as connection:
        for some in batched(ids):
            wanted = table.owner == archive.owner, table.id.in_(some)
            found |= set(connection.execute(select(table.project_id).where(*wanted)).scalars())
    return {project_id for project_id in found if project_id}
