"""What an import tells: of each file, and of all of them."""

from __future__ import annotations

import msgspec

from commonplace.archive.conversations.imports import Counts
from commonplace.errors import Defect


class FileReport(Counts, kw_only=True):
    """What one file brought."""

    file: str
    source: str = ""
    """Whose export it is, as far as that was found out."""
    import_id: str = ""
    is_known: bool = False
    """Imported before, and recognised without reading it."""
    sha256: str | None = None
    refusal: str | None = None
    """Why nothing of it was taken."""
    defects: list[Defect] = msgspec.field(default_factory=list)
    unknown_files: list[str] = msgspec.field(default_factory=list)
    seconds: float = 0.0


class ImportReport(Counts, kw_only=True):
    """What an import brought, in the keys that `commonplace import --json` prints, and the same for each file.

    It ends as every stage's report does (stages/work.py).
    """

    defects: list[Defect] = msgspec.field(default_factory=list)
    import_ids: list[str] = msgspec.field(default_factory=list)
    unknown_files: list[str] = msgspec.field(default_factory=list)
    files: list[FileReport] = msgspec.field(default_factory=list)
    seconds: float = 0.0
    stopped: str | None = None
    hint: str | None = None
    errors: list[str] = msgspec.field(default_factory=list)

    def include(self, file: FileReport) -> None:
        self.add(file)
        self.defects += file.defects
        self.unknown_files += file.unknown_files
        self.import_ids.append(file.import_id)
        self.files.append(file)
        if file.refusal:
            self.errors.append(file.refusal)
