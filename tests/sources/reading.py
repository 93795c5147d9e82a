"""Reading a whole tiny export in one line of a test."""

from __future__ import annotations

from pathlib import Path

from commonplace.errors import Defect
from commonplace.model import Conversation
from commonplace.sources.contract import Skipped
from commonplace.sources.registry import open_export


def read_all(path: Path) -> tuple[list[Conversation], list[Defect]]:
    """The conversations and the defects of an export."""
    with open_export(path) as export:
        items = list(export.conversations())
    assert not any(isinstance(item, Skipped) for item in items)
    found = [item for item in items if isinstance(item, Conversation)]
    return found, [item for item in items if isinstance(item, Defect)]
