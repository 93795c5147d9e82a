"""What a narrowed rule leaves behind at a destination is named, and taken away when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.archive import leases
from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.verdicts.verdicts import correct
from commonplace.config import Environment, Settings
from commonplace.destinations.fake import FakeDestination, FakeService, FakeSettings
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.beginning import begin
from commonplace.stages.syncing.pending import Rules
from commonplace.stages.syncing.pruning import left_behind, prune
from tests.archive.builders import simple_chat
from tests.destinations.documents import document

NAMES = ("coding", "private", "unjudged", "gone")


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def book(sqlite_archive: Archive, service: FakeService) -> Archive:
    """Four conversations that are at the destination, one of which is forgotten here."""
    merge(sqlite_archive, None, [simple_chat(name, "one", "two") for name in NAMES])
    for name, category in {"coding": "Coding", "private": "Relationships"}.items():
        correct(sqlite_archive, f"chatgpt:{name}", "category", category, origin="cli", taxonomy="everyday")
    destination = FakeDestination(FakeSettings(), service)
    destination.write([document(name) for name in NAMES], ArchiveLedger(sqlite_archive, destination.instance))
    forget(sqlite_archive, ids=["chatgpt:gone"])
    return sqlite_archive


def session_of(archive: Archive) -> Session:
    return Session(Settings(home=Path(archive.files_location), database_url="", files=""), Environment({}), archive)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(), "gone"),
        (Rules(exclude_categories=("Relationships",)), "gone private unjudged"),
        (Rules(categories=("Relationships",)), "coding gone unjudged"),
        (Rules(minimum_messages=3), "coding gone private unjudged"),
    ],
)
def test_what_the_rules_let_through_no_longer_is_taken_away_and_nothing_else(
    book: Archive, service: FakeService, rules: Rules, expected: str
) -> None:
    destination = FakeDestination(FakeSettings(), service)
    assert left_behind(book, destination, rules) == [f"chatgpt:{name}" for name in expected.split()]
    assert begin(book, destination, Selection(), rules).left_behind == len(expected.split())
    report = prune(session_of(book), destination, rules)
    assert (report.removed, report.conflicts) == (len(expected.split()), 0)
    assert {page.conversation_id for page in service.pages.values()} == {
        f"chatgpt:{name}" for name in set(NAMES) - set(expected.split())
    }
    assert left_behind(book, destination, rules) == []
    assert prune(session_of(book), destination, rules).removed == 0


def test_what_cannot_be_taken_back_is_refused(book: Archive, service: FakeService) -> None:
    together = FakeDestination(FakeSettings(together=True, supports_lookup=False), service)
    with pytest.raises(Refused, match="cannot be taken back"):
        prune(session_of(book), together, Rules())


def test_a_sync_that_is_under_way_is_not_disturbed(book: Archive, service: FakeService) -> None:
    destination = FakeDestination(FakeSettings(), service)
    with leases.hold(book, leases.syncing(book.owner, destination.instance)), pytest.raises(leases.AlreadyRunning):
        prune(session_of(book), destination, Rules())
    assert len(service.pages) == len(NAMES)
