"""What a source is: bytes in, conversations out, and nothing that ends an import halfway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from commonplace.errors import Defect
from commonplace.model import Conversation


class Skipped(msgspec.Struct, frozen=True):
    """An item that was not decoded, because the caller knows its digest: it was merged before."""

    digest: bytes


class Source(Protocol):
    """A kind of export. A module with these two names is one.

    `read` yields every item of `path` once, in the export's order: a conversation, or a defect that says which item
    could not be used and why. A conversation without any content has `messages == []`. Only what makes the whole of
    `path` unusable is raised, as `Refused`.
    """

    name: str

    def read(self, path: Path) -> Iterator[Conversation | Defect]: ...
