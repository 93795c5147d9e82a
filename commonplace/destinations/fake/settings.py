"""What can be set about the fake destination: which of a destination's powers and weaknesses it has."""

from __future__ import annotations

import msgspec

from commonplace.bounds import SecondsOrNone
from commonplace.destinations.contract import Change
from commonplace.destinations.fake.service import Failure

RENDERER_VERSION = "f1"


class FakeSettings(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "fake"
    """Which one: another name is another instance with another ledger."""
    supports_lookup: bool = True
    """Whether a page can be found by its conversation. If not, what is uncertain waits for a person."""
    changes: tuple[Change, ...] = ("content", "verdict", "project")
    """What counts as a change; nothing: each conversation is sent once only."""
    starts_from_baseline: bool = False
    """Whether the first run takes what was in the archive before as known."""
    together: bool = False
    """Whether a run's conversations are sent as one message at its end."""
    in_parts: bool = False
    """Whether each message is a part of its own, which the service keeps in order."""
    lookup_interval_seconds: SecondsOrNone = 30.0
    """The time between two look-ups of a page whose creation was never answered."""
    failures: dict[str, list[Failure]] = {}
    """Conversation id to what goes wrong with its next requests, in order."""
