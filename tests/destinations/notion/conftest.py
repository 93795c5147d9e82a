"""A Notion, a database in it, and ways to open a destination that is closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from commonplace.destinations.contract import Files
from commonplace.destinations.notion import NotionDestination, open_notion
from commonplace.destinations.notion.governor import SYSTEM_CLOCK, Clock
from tests.destinations.notion.world import FileLedger, settings_for
from tests.fakes.notion import FakeNotion

Open = Callable[..., NotionDestination]


@pytest.fixture
def notion() -> Iterator[FakeNotion]:
    """With a budget that no ordinary test uses up."""
    with FakeNotion(per_window=100_000) as server:
        yield server


@pytest.fixture
def source(notion: FakeNotion) -> str:
    return notion.add_database()


@pytest.fixture
def ledger() -> FileLedger:
    return FileLedger()


@pytest.fixture
def open_(notion: FakeNotion, source: str) -> Iterator[Open]:
    """Opens a destination as a new process would, with changed settings if need be."""
    opened: list[NotionDestination] = []

    def open_one(clock: Clock = SYSTEM_CLOCK, files: Files | None = None, **changes: Any) -> NotionDestination:
        opened.append(open_notion(settings_for(notion, source, **changes), files, clock=clock))
        return opened[-1]

    yield open_one
    for destination in opened:
        destination.close()


@pytest.fixture
def destination(open_: Open) -> NotionDestination:
    return open_()
