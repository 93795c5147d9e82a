"""Conversations at OpenAI, as tests see them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from commonplace.destinations.openai import ConversationSettings, OpenAIDestination, open_openai
from tests.fakes.conversations import FakeConversations


class OpenAIWorld:
    def __init__(self, fake: FakeConversations, **settings: Any) -> None:
        self.fake = fake
        self.opened: list[OpenAIDestination] = []
        self._settings = ConversationSettings(api_key=fake.key, base_url=fake.url, **settings)

    def open(self) -> OpenAIDestination:
        self.opened.append(open_openai(self._settings, sleep=lambda seconds: None))
        return self.opened[-1]

    def close(self) -> None:
        for destination in self.opened:
            destination.close()

    def there(self) -> Counter[str]:
        """Those that hold something; of one that never did, one: the others are empty shells."""
        ids = {one["metadata"]["source_id"] for one in self.fake.conversations.values()}
        return Counter({id: max(1, sum(bool(self.fake.items[one]) for one in self.fake.of(id))) for id in ids})

    def shows(self, conversation_id: str) -> str:
        *_, id = [id for id in self.fake.of(conversation_id) if self.fake.items[id]]
        return "\n".join([self.fake.conversations[id]["metadata"].get("title", ""), *self.fake.texts(id)])

    def wait(self) -> None:
        """What is behind the last known item is looked up at once."""
