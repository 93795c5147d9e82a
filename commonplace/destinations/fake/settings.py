"""What can be set about the fake destination."""

from __future__ import annotations

import msgspec

from commonplace.destinations.fake.service import Failure

RENDERER_VERSION = "f1"


class FakeSettings(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "fake"
    """Which one: another name is another instance with another ledger."""
    supports_lookup: bool = True
    """Whether a page can be found by its conversation. If not, what is uncertain waits for a person."""
    lookup_interval_seconds: float = 30.0
    """The time between two look-ups of a page whose creation was never answered."""
    failures: dict[str, list[Failure]] = {}
    """Conversation id to what goes wrong with its next requests, in order."""
