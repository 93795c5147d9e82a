"""A folder of notes and the runs that write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Document
from commonplace.destinations.markdown import MarkdownSettings, open_markdown
from commonplace.model import Outcome

NOTE = "conversations/2026/A title.md"


class Notes:
    """A folder, a ledger, and runs of processes that know each other only through them."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self.folder = folder
        self._archive = archive

    def write(self, *batch: Document, files: Any = None, **settings: Any) -> list[Outcome]:
        destination = open_markdown(MarkdownSettings(folder=str(self.folder), **settings), files)
        ledger = ArchiveLedger(self._archive, destination.instance)
        outcomes = destination.write(batch, ledger)
        destination.finish(outcomes, ledger)
        return outcomes

    def states(self, *batch: Document, **settings: Any) -> list[str]:
        return [outcome.state for outcome in self.write(*batch, **settings)]

    def ledger(self) -> ArchiveLedger:
        return ArchiveLedger(self._archive, f"markdown:{self.folder}")

    def files(self) -> list[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def append(self, path: str, more: bytes) -> None:
        (self.folder / path).write_bytes((self.folder / path).read_bytes() + more)

    def change(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))
