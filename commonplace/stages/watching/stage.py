"""Taking in what came into watched folders. Files are read and, if exports are kept, copied; never moved or removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from commonplace.archive import leases, watched
from commonplace.archive.core import Archive
from commonplace.session import Session
from commonplace.sources.registry import readers_version
from commonplace.stages.importing.accounts import Accounts
from commonplace.stages.importing.file import Importing
from commonplace.stages.importing.report import FileReport, ImportReport
from commonplace.stages.importing.stage import take_in
from commonplace.stages.watching.looking import Candidate, look
from commonplace.stages.work import IN_PROCESS, Work, leased, telling

ONE_BY_ONE = 20
"""Of more sessions than that, the whole history is read at once: one import instead of hundreds."""


class WatchReport(ImportReport, kw_only=True):
    """What an import tells, and what there was to see."""

    looked_at: int = 0
    """Files in the folders."""
    opened: int = 0
    """Those that were new or changed."""
    fresh: int = 0
    """Those that were written to a moment ago: they rest first."""
    missing: list[str] = msgspec.field(default_factory=list)
    """Folders that are not there."""
    is_busy: bool = False
    """Another import is under way: the next look takes what there is."""


def watch(session: Session, *, work: Work = IN_PROCESS) -> WatchReport:
    """Look through the watched folders, and import what is an export and not in the archive yet."""
    report = WatchReport()
    with telling(report):
        looked = look(session)
        report.looked_at, report.opened, report.fresh = looked.files, looked.opened, looked.fresh
        report.missing = looked.missing
        if looked.take:
            try:
                with leased(session, leases.importing(session.archive.owner)) as ours:
                    _take(ours, looked.take, report, work)
            except leases.AlreadyRunning:
                report.is_busy = True
    return report


def _take(session: Session, found: Sequence[Candidate], report: WatchReport, work: Work) -> None:
    """Histories stay where they are, and grow: of them, no copies are kept."""
    exports = [candidate for candidate in found if not candidate.folder.is_history]
    if exports:
        _import(
            session, {each.path: [each] for each in exports}, report, work, keep=session.settings.imports.keep_exports
        )
    for folder in {candidate.folder.path: None for candidate in found if candidate.folder.is_history}:
        sessions = [candidate for candidate in found if candidate.folder.path == folder]
        one_by_one = {each.path: [each] for each in sessions}
        if len(sessions) <= ONE_BY_ONE or not _import(session, {folder: sessions}, report, work, keep=False):
            _import(session, one_by_one, report, work, keep=False)


def _import(
    session: Session, paths: Mapping[Path, Sequence[Candidate]], report: WatchReport, work: Work, *, keep: bool
) -> bool:
    """Import paths, each with what it stands for; whether none was refused."""
    using = Importing(
        archive=session.archive,
        keep_exports=keep,
        accounts=Accounts(known=session.settings.accounts),
        progress=lambda file: work.show(f"import {file.file}", file.read, None),
    )
    errors = len(report.errors)
    take_in(using, list(paths), report, work, lambda path, file: _note(session.archive, paths[path], file))
    return len(report.errors) == errors


def _note(archive: Archive, candidates: Sequence[Candidate], file: FileReport) -> None:
    """As they were when they were looked at: what was written to them since is seen the next time."""
    folder = candidates[0].folder
    watched.note(
        archive,
        str(folder.path),
        [(candidate.digest, candidate.stamp) for candidate in candidates],
        state="refused" if file.refusal else "taken",
        readers=readers_version(),
        name=None if folder.is_history else file.file,
    )
