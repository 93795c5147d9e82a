"""The import: export files become conversations in the archive, and nothing of them is lost on the way.

One import of an owner runs at a time. What was merged before is recognised by its bytes and not even decoded; the rest
goes in by short transactions, so readers and other writers never wait long. Kill it anywhere: what is in is whole, and
importing the file again does the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from commonplace.archive import leases
from commonplace.archive.conversations import imports
from commonplace.archive.core import Archive
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.sources.limits import Limits
from commonplace.stages.importing.accounts import Accounts
from commonplace.stages.importing.file import Importing, Progress, import_file
from commonplace.stages.importing.inbox import move_on, waiting_in
from commonplace.stages.importing.report import FileReport, ImportReport
from commonplace.stages.work import IN_PROCESS, Work, leased, telling


def import_exports(
    session: Session,
    paths: Sequence[Path] | None = None,
    *,
    keep_exports: bool | None = None,
    account: str = "",
    work: Work = IN_PROCESS,
) -> ImportReport:
    """Import each path (a zip, a folder, a file), or what lies in the inbox, which is emptied by that.

    `account` is one of the settings, for exports that do not say by themselves whose they are. A file that is refused
    (hostile, or not an export) is a defect of the report, and leaves the others alone.
    """
    settings, report = session.settings, ImportReport()
    keep = settings.imports.keep_exports if keep_exports is None else keep_exports
    accounts = Accounts(known=settings.accounts, named=account)
    accounts.check()
    with telling(report), leased(session, leases.importing(session.archive.owner)) as ours:
        using = Importing(
            archive=ours.archive,
            keep_exports=keep,
            accounts=accounts,
            progress=lambda file: work.show(f"import {file.file}", file.read, None),
        )
        if paths is not None:
            take_in(using, paths, report, work)
        else:
            inbox = settings.inbox
            take_in(using, waiting_in(inbox), report, work, lambda path, file: move_on(path, inbox, file))
    return report


def import_paths(
    archive: Archive,
    paths: Sequence[Path],
    *,
    keep_exports: bool = True,
    progress: Progress = lambda file: None,
    limits: Limits | None = None,
) -> ImportReport:
    """The same of these paths, for whoever has an archive open.

    If one path alone is asked for and refused, `Refused` is raised. Raises `leases.AlreadyRunning` while another import
    of the owner runs.
    """
    started, report = time.monotonic(), ImportReport()
    with leases.hold(archive, leases.importing(archive.owner)) as lease:
        using = Importing(archive=lease.archive, keep_exports=keep_exports, progress=progress, limits=limits)
        take_in(using, paths, report, IN_PROCESS)
    report.seconds = round(time.monotonic() - started, 3)
    if len(paths) == 1 and report.errors:
        raise Refused(report.errors[0])
    return report


def take_in(
    using: Importing,
    paths: Sequence[Path],
    report: ImportReport,
    work: Work,
    afterwards: Callable[[Path, FileReport], None] = lambda path, file: None,
) -> None:
    """Import these paths under the lease of importing; `afterwards` is told what became of each."""
    imports.mark_interrupted(using.archive)
    zips = frozenset(path.name for path in paths if path.suffix.lower() == ".zip")
    using = msgspec.structs.replace(using, together=zips)
    for path in paths:
        work.say("import: %s", path.name)
        file = work.do(import_file, using, path=str(path))
        report.include_file(file)
        afterwards(path, file)
