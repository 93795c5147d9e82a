"""The Notion destination keeps the contract of all destinations, against a server with all of Notion's limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from commonplace.destinations.contract import Destination
from commonplace.destinations.notion import open_notion
from tests.destinations.contract_suite import Changing, DestinationContract, Removing
from tests.destinations.notion.world import settings_for
from tests.fakes.notion import FakeNotion


class NotionWorld:
    def __init__(self, notion: FakeNotion) -> None:
        self.notion = notion
        self.opened: list[Destination] = []
        self._settings = settings_for(notion, notion.add_database(), lookup_interval_seconds=0.01)

    def open(self) -> Destination:
        self.opened.append(open_notion(self._settings))
        return self.opened[-1]

    def there(self) -> Counter[str]:
        return Counter(str(page.value("Conversation ID")) for page in self.notion.rows())

    def shows(self, conversation_id: str) -> str:
        page = self.notion.row(conversation_id)
        return f"{page.title}\n{page.text}"

    def wait(self) -> None:
        """The interval between two looks is a setting here."""


class TestContract(DestinationContract, Changing, Removing):
    @pytest.fixture
    def world(self) -> Iterator[NotionWorld]:
        with FakeNotion(per_window=100_000) as notion:
            world = NotionWorld(notion)
            yield world
            for destination in world.opened:
                destination.close()
            assert notion.warnings == []
