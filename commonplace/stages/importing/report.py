"""What an import tells: what became of everything that was read, and of what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from commonplace.archive.conversations.imports import Counts
from commonplace.errors import Defect, LeftOut, first_of

MOST_DEFECTS = 1000
"""So many are told one by one; a file can hold a million."""


class Tally(Counts, kw_only=True):
    """Counts, and what there is to say of single items. It stays small, whatever is in a file."""

    defects: list[Defect] = msgspec.field(default_factory=list)
    more_defects: int = 0
    """How many there were beyond those that are told."""
    unfamiliar: dict[str, int] = msgspec.field(default_factory=dict)
    """Words and fields that this version does not know: they are kept, and shown as well as it can."""
    left_out: list[LeftOut] = msgspec.field(default_factory=list)
    conflicts: int = 0
    """Conversations of which exports of one date have different words for a message: both are kept."""
    conflicting: list[str] = msgspec.field(default_factory=list)
    """The first of them."""

    def add_conflict(self, conversation_id: str) -> None:
        self.conflicts += 1
        if len(self.conflicting) < MOST_DEFECTS:
            self.conflicting.append(conversation_id)

    def add_defects(self, defects: Iterable[Defect]) -> None:
        for defect in defects:
            if len(self.defects) < MOST_DEFECTS:
                self.defects.append(defect)
            else:
                self.more_defects += 1

    def clear(self) -> None:
        """As if nothing had been read."""
        fresh = Tally()
        for name in Tally.__struct_fields__:
            setattr(self, name, getattr(fresh, name))

    def include(self, other: Tally) -> None:
        self.add(other)
        self.more_defects += other.more_defects
        self.add_defects(other.defects)
        self.unfamiliar = dict(Counter(self.unfamiliar) + Counter(other.unfamiliar))
        told = {one for one in self.left_out if one.name}
        self.left_out = first_of([*self.left_out, *(one for one in other.left_out if one not in told)])
        self.conflicts += other.conflicts
        self.conflicting = [*self.conflicting, *other.conflicting][:MOST_DEFECTS]


class FileReport(Tally, kw_only=True):
    """What one file brought."""

    file: str
    source: str = ""
    """Whose export it is, as far as that was found out."""
    account: str = ""
    """Which of several accounts there; empty: the one without a name."""
    import_id: str = ""
    is_known: bool = False
    """Imported before, and recognised without reading it."""
    sha256: str | None = None
    refusal: str | None = None
    """Why nothing of it was taken."""
    seconds: float = 0.0


class ImportReport(Tally, kw_only=True):
    """What an import brought, in the keys that `commonplace import --json` prints, and the same for each file.

    It ends as every stage's report does (stages/work.py).
    """

    import_ids: list[str] = msgspec.field(default_factory=list)
    files: list[FileReport] = msgspec.field(default_factory=list)
    seconds: float = 0.0
    stopped: str | None = None
    hint: str | None = None
    errors: list[str] = msgspec.field(default_factory=list)

    def include_file(self, file: FileReport) -> None:
        self.include(file)
        self.import_ids.append(file.import_id)
        self.files.append(file)
        if file.refusal:
            self.errors.append(file.refusal)
