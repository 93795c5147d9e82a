"""Forgetting, everywhere that words of a conversation are kept: the judges' answers first, then the archive.

In this order, because the archive is what is asked again after a run that was killed: what it still has is still to do.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from commonplace.archive.core import Archive
from commonplace.archive.forget import ForgetReport
from commonplace.archive.forget import forget as forget_in_archive
from commonplace.categorize.answers import Answers, answers_path


def forget(
    archive: Archive,
    home: Path,
    *,
    ids: Collection[str] = (),
    project: str | None = None,
    before: int | None = None,
    purge_exports: bool = False,
) -> ForgetReport:
    """As `archive.forget.forget`, with the answers that judges gave."""
    concerned = forget_in_archive(
        archive, ids=ids, project=project, before=before, purge_exports=purge_exports, dry_run=True
    ).conversation_ids
    with Answers(answers_path(home)) as answers:
        answers.forget({*ids, *concerned})
    return forget_in_archive(archive, ids=ids, project=project, before=before, purge_exports=purge_exports)
