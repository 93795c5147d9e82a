"""A Poke to send to, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from commonplace.destinations.poke.client import PokeClient
from commonplace.destinations.poke.pace import Clock
from tests.destinations.poke.world import NoTime, settings_for
from tests.fakes.poke import FakePoke

ClientOf = Callable[..., PokeClient]


@pytest.fixture
def poke() -> Iterator[FakePoke]:
    with FakePoke() as server:
        yield server


@pytest.fixture
def client_of(poke: FakePoke) -> Iterator[ClientOf]:
    """Opens clients, which end with the test."""
    with ExitStack() as opened:

        def open_client(*, is_repeated: bool = False, clock: Clock | None = None, **settings: Any) -> PokeClient:
            client = PokeClient(settings_for(poke, **settings), is_repeated=is_repeated, clock=clock or NoTime())
            return opened.enter_context(closing(client))

        yield open_client
