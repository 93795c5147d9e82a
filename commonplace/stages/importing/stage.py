"""The import: export files become conversations in the archive, and nothing of them is lost on the way.

One import of an owner runs at a time. What was merged before is recognised by its bytes and not even decoded; the rest
goes in by short transactions, so readers and other writers never wait long. Kill it anywhere: what is in is whole, and
importing the file again does the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from commonplace.archive import leases
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.imports import Counts, ImportRecord, Status
from commonplace.archive.core import Archive
from commonplace.archive.files.files import hash_file
from commonplace.archive.leases import Lease
from commonplace.errors import Defect, Refused
from commonplace.sources.limits import Limits
from commonplace.sources.registry import open_export
from commonplace.stages.importing.intake import Intake, TextIndex
from commonplace.stages.importing.keeping import Keeper, Signature, signature
from commonplace.stages.importing.report import FileReport, ImportReport

Progress = Callable[[FileReport], None]
"""Told after every batch what the file has brought so far."""


def import_paths(
    archive: Archive,
    paths: Sequence[Path],
    *,
    keep_exports: bool = True,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> ImportReport:
    """Import each path: a zip, a folder or a json.

    A path that is refused (hostile, or not an export) is a defect of the report and the others are imported all the
    same; if it is the only one, `Refused` is raised. Raises `leases.AlreadyRunning` while another import of the owner
    runs.
    """
    started = time.monotonic()
    report = ImportReport()
    with leases.hold(archive, leases.importing(archive.owner)) as lease:
        imports.mark_interrupted(archive)
        with TextIndex(archive) as index:
            work = _FileImport(archive, lease, index, keep_exports, progress or _ignore, limits)
            for path in paths:
                file = FileReport(file=path.name)
                try:
                    work.import_file(path, file)
                except Refused:
                    if len(paths) == 1:
                        raise
                report.include_file(file)
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _ignore(_: FileReport) -> None:
    pass


class _FileImport(msgspec.Struct, frozen=True):
    """What every file of an import needs."""

    archive: Archive
    lease: Lease
    index: TextIndex
    keep_exports: bool
    progress: Progress
    limits: Limits | None

    def import_file(self, path: Path, report: FileReport) -> None:
        started = time.monotonic()
        seen_as = signature(path)
        with self._recorded(path, seen_as, report):
            earlier = self._same_file(path, seen_as)
            if earlier:
                self._count_again(earlier, report)
            else:
                self._read(path, report)
        report.seconds = round(time.monotonic() - started, 3)
        self.progress(report)

    @contextmanager
    def _recorded(self, path: Path, seen_as: Signature, report: FileReport) -> Iterator[None]:
        """The import's row, from its beginning to whatever its end is."""
        report.import_id = imports.start(self.archive, name=path.name, signature=seen_as.whole)
        try:
            yield
        except Refused as exc:
            report.count("failed")
            report.add_defects([Defect(path.name, "", str(exc))])
            self._finish(report, "failed")
            raise
        except BaseException as exc:
            with suppress(Exception):  # what went wrong is more telling than that it could not be noted
                self._finish(report, "failed" if isinstance(exc, Exception) else "interrupted")
            raise
        self._finish(report, "completed")

    def _finish(self, report: FileReport, status: Status) -> None:
        imports.finish(
            self.archive,
            report.import_id,
            Counts(**{name: getattr(report, name) for name in Counts.__struct_fields__}),
            source=report.source,
            defects=report.defects,
            left_out=report.left_out,
            sha256=report.sha256,
            status=status,
        )

    def _same_file(self, path: Path, seen_as: Signature) -> ImportRecord | None:
        """The import that brought this very file; by its hash only if there was a file of its size."""
        earlier = imports.find_flawless(self.archive, signature=seen_as.whole)
        if earlier is None and path.is_file() and imports.find_flawless(self.archive, beginning=seen_as.size):
            earlier = imports.find_flawless(self.archive, sha256=hash_file(path))
        if earlier and self.keep_exports and not imports.is_kept(self.archive, earlier):
            return None
        return earlier

    def _count_again(self, earlier: ImportRecord, report: FileReport) -> None:
        counts = earlier.counts
        report.is_known = True
        report.source = earlier.source
        report.sha256 = earlier.sha256
        report.left_out = earlier.left_out
        report.read, report.empty = counts.read, counts.empty
        report.unchanged = counts.new + counts.changed + counts.unchanged
        report.messages, report.attachments = counts.messages, counts.attachments
        imports.record_same(self.archive, report.import_id, earlier.id)

    def _read(self, path: Path, report: FileReport) -> None:
        with (
            open_export(path, limits=self.limits) as export,
            Keeper(self.archive, path, keep=self.keep_exports) as keeper,
        ):
            report.source = export.source
            intake = Intake(
                self.archive,
                name=path.name,
                import_id=report.import_id,
                lease=self.lease,
                index=self.index,
                tally=report,
                open_member=export.open_member,
            )
            intake.run(export.conversations(intake.known), lambda: self.progress(report))
            report.unfamiliar = dict(export.unfamiliar)
            report.left_out = list(export.left_out)
            report.sha256 = keeper.sha256()
