"""Emptying the inbox. Never cached: the inbox knows what was done."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.stages.importing import events
from tasks.policy import recording
from tasks.session import session


@recording(name="receive deliveries")
def receive_deliveries() -> dict[str, Any]:
    """Take what came in by webhook into the archive."""
    with session() as opened:
        plain: dict[str, Any] = msgspec.to_builtins(events.receive(opened))
        return plain
