"""A server of conversations, and a destination that writes to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.destinations.openai.world import OpenAIWorld
from tests.fakes.conversations import FakeConversations


@pytest.fixture
def fake() -> Iterator[FakeConversations]:
    with FakeConversations() as server:
        yield server


@pytest.fixture
def world(fake: FakeConversations) -> Iterator[OpenAIWorld]:
    with closing(OpenAIWorld(fake)) as opened:
        yield opened
