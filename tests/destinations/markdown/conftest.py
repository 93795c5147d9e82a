"""What tests of the folder of notes begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.archive.core import Archive
from tests.destinations.markdown.notes import Notes


@pytest.fixture
def notes(tmp_path: Path, sqlite_archive: Archive) -> Notes:
    return Notes(tmp_path / "notes", sqlite_archive)
