"""One export file into the archive: recognised by its bytes or read to its end, and its import recorded either way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from commonplace.archive.conversations import imports
from commonplace.archive.conversations.imports import Counts, ImportRecord, Status
from commonplace.archive.core import Archive
from commonplace.archive.files.files import hash_file
from commonplace.errors import Defect, LeftOut, Refused
from commonplace.sources.ahead import Ahead, Reading, is_worth_it
from commonplace.sources.contract import ANOTHER_PART, Export
from commonplace.sources.limits import Limits
from commonplace.sources.registry import open_export
from commonplace.stages.importing.accounts import Accounts
from commonplace.stages.importing.intake import Intake, TextIndex
from commonplace.stages.importing.keeping import Keeper, has_lost_files, note_seen, unchanged_since
from commonplace.stages.importing.report import FileReport
from commonplace.stages.importing.signing import Signature, signature

Progress = Callable[[FileReport], None]
"""Told after every batch what the file has brought so far."""


class Importing(msgspec.Struct, frozen=True, kw_only=True):
    """What every file of an import needs. The archive is under the lease of importing."""

    archive: Archive
    keep_exports: bool = True
    accounts: Accounts = Accounts()
    progress: Progress = lambda file: None
    limits: Limits | None = None
    together: frozenset[str] = frozenset()
    """The names of all the zips that are imported in one go."""

    @property
    def address(self) -> dict[str, Any]:
        return {"keep_exports": self.keep_exports, "account": self.accounts.named, "together": sorted(self.together)}


def import_file(using: Importing, *, path: str) -> FileReport:
    """Merge one export into the archive. What is there already changes nothing; why it was refused is in the report."""
    file = FileReport(file=Path(path).name)
    with suppress(Refused), TextIndex(using.archive) as index:
        _FileImport(using, index, Path(path), file).run()
    return file


class _FileImport(msgspec.Struct, frozen=True):
    """What the steps of one file share."""

    using: Importing
    index: TextIndex
    path: Path
    report: FileReport

    @property
    def archive(self) -> Archive:
        return self.using.archive

    def run(self) -> None:
        started = time.monotonic()
        seen_as = signature(self.path)
        with self._recorded(seen_as):
            earlier = self._same_file(seen_as)
            is_lost = earlier is not None and has_lost_files(self.archive, earlier)
            if earlier and not is_lost:
                self._count_again(earlier)
            else:
                self._read(seen_as, anew=is_lost)
        self.report.seconds = round(time.monotonic() - started, 3)
        self.using.progress(self.report)

    @contextmanager
    def _recorded(self, seen_as: Signature) -> Iterator[None]:
        """The import's row, from its beginning to whatever its end is."""
        report = self.report
        report.import_id = imports.start(self.archive, name=self.path.name, signature=seen_as.whole)
        try:
            yield
        except Refused as exc:
            report.count("failed")
            report.refusal = str(exc)
            report.add_defects([Defect(self.path.name, "", str(exc))])
            self._finish("failed")
            raise
        except BaseException as exc:
            with suppress(Exception):  # what went wrong is more telling than that it could not be noted
                self._finish("failed" if isinstance(exc, Exception) else "interrupted")
            raise
        self._finish("completed")

    def _finish(self, status: Status) -> None:
        report = self.report
        imports.finish(
            self.archive,
            report.import_id,
            Counts(**{name: getattr(report, name) for name in Counts.__struct_fields__}),
            source=report.source,
            account=report.account,
            defects=report.defects,
            left_out=report.left_out,
            sha256=report.sha256,
            status=status,
        )

    def _same_file(self, seen_as: Signature) -> ImportRecord | None:
        """The import that brought this very file; by its hash only if there was a file of its size."""
        earlier = imports.find_flawless(self.archive, signature=seen_as.whole)
        if earlier is None and self.path.is_file() and imports.find_flawless(self.archive, beginning=seen_as.size):
            earlier = imports.find_flawless(self.archive, sha256=hash_file(self.path))
        if earlier and self.using.accounts.expected(earlier.source, self.path) not in (None, earlier.account):
            return None
        if earlier and self.using.keep_exports and not imports.is_kept(self.archive, earlier):
            return None
        return earlier

    def _count_again(self, earlier: ImportRecord) -> None:
        counts, report = earlier.counts, self.report
        report.is_known = True
        report.source, report.account = earlier.source, earlier.account
        report.sha256 = earlier.sha256
        report.left_out = earlier.left_out
        report.read, report.empty = counts.read, counts.empty
        report.unchanged = counts.new + counts.changed + counts.unchanged
        report.messages, report.attachments = counts.messages, counts.attachments
        imports.record_same(self.archive, report.import_id, earlier.id)

    def _read(self, seen_as: Signature, *, anew: bool) -> None:
        """`anew`: also what was merged before, because files that came with it are lost."""
        report = self.report
        keep = self.using.keep_exports
        unchanged = {} if anew else unchanged_since(self.archive, self.path, seen_as, keep=keep)
        with (
            open_export(self.path, limits=self.using.limits, unchanged=unchanged) as export,
            Keeper(self.archive, self.path, keep=keep, without=unchanged) as keeper,
        ):
            report.source = export.source
            report.account = self.using.accounts.of(export, self.path)
            intake = Intake(
                self.archive,
                name=self.path.name,
                import_id=report.import_id,
                index=self.index,
                tally=report,
                open_member=export.open_member,
                account=report.account,
            )
            is_all_new = anew or imports.knows_nothing(self.archive)
            known = (lambda _: frozenset()) if is_all_new else intake.known
            with self._reading(export) as reading:
                intake.run(reading.conversations(known), lambda: self.using.progress(report))
                report.unfamiliar = dict(reading.unfamiliar)
                report.left_out = [one for one in reading.left_out if not self._is_at_hand(one)]
            if not report.read and not unchanged:
                raise Refused(
                    f"{self.path.name!r} holds no conversation.",
                    hint="It may have been exported from an account that is new: look whether it is the right one.",
                )
            report.sha256 = keeper.sha256()
            kept_in = (report.sha256 or "") if keep else ""
            note_seen(self.archive, self.path, seen_as, reading.wholes, title=export.title, kept_in=kept_in)

    def _is_at_hand(self, one: LeftOut) -> bool:
        """Whether it is a part of the export that comes with this one, or came before."""
        return one.reason == ANOTHER_PART and (one.name in self.using.together or imports.is_in(self.archive, one.name))

    @contextmanager
    def _reading(self, export: Export) -> Iterator[Reading]:
        """The export, decoded here, or elsewhere where that saves time."""
        if is_worth_it(export) and imports.knows_nothing(self.archive):
            with Ahead(self.path, self.using.limits) as ahead:
                yield ahead
        else:
            yield export
