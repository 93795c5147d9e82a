"""A folder of notes keeps the contract of destinations, killed wherever it may be."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Destination
from commonplace.destinations.markdown import MarkdownSettings, open_markdown
from tests.destinations.contract_suite import Changing, DestinationContract, settle
from tests.destinations.documents import document

WRITE_FOREVER = """
import sys
from commonplace.archive.opening import open_archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.markdown import MarkdownSettings, open_markdown
from tests.destinations.documents import document

destination = open_markdown(MarkdownSettings(folder=sys.argv[2]))
with open_archive(sys.argv[1]) as archive:
    ledger = ArchiveLedger(archive, destination.instance)
    print("ready", flush=True)
    for version in range(int(sys.argv[3]), 1_000_000):
        batch = [document(str(n), f"Title {n} {version}", "word " * 2000, version=version) for n in range(5)]
        destination.write(batch, ledger)
        destination.finish([], ledger)
"""


class MarkdownWorld:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> Destination:
        return open_markdown(MarkdownSettings(folder=str(self.folder)))

    def there(self) -> Counter[str]:
        notes = (path.read_text(errors="replace") for path in self.folder.rglob("*.md"))
        return Counter(found[1] for note in notes if (found := re.search(r"^id: (chatgpt:.*)$", note, re.MULTILINE)))

    def shows(self, conversation_id: str) -> str:
        for path in self.folder.rglob("*.md"):
            if f"id: {conversation_id}\n" in (note := path.read_text()):
                return f"{path.name}\n{note}"
        return ""

    def wait(self) -> None:
        """Notes are looked up at once."""


class TestContract(DestinationContract, Changing):
    @pytest.fixture
    def world(self, tmp_path: Path) -> MarkdownWorld:
        return MarkdownWorld(tmp_path / "notes")


def test_killed_at_any_moment_no_note_is_half_or_twice_there(sqlite_archive: Archive, tmp_path: Path) -> None:
    world = MarkdownWorld(tmp_path / "notes")
    url = sqlite_archive.engine.url.render_as_string(hide_password=False)
    for attempt in range(6):
        start = attempt * 1000 + 1
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOREVER, url, str(world.folder), str(start)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        with writer.stdout as out:
            assert out.readline() == b"ready\n"
            time.sleep(0.05 + 0.037 * attempt)  # the moment of the kill, not a wait for anything
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        for path in world.folder.rglob("*.md"):
            assert path.read_text().rstrip().endswith("<!-- commonplace:end -->"), path
        batch = [document(str(n), f"Title {n} settled", "Short.", version=start + 999) for n in range(5)]
        settle(world, sqlite_archive, batch)
        assert world.there() == Counter(f"chatgpt:{n}" for n in range(5))
        assert sorted(path.name for path in (world.folder / "conversations").rglob("*.md")) == [
            f"Title {n} settled.md" for n in range(5)
        ]
    ledger = ArchiveLedger(sqlite_archive, world.open().instance)
    assert ledger.counts() == {"done": 5}
