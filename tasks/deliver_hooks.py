"""Delivering to hooks. Never cached: the queue knows what was delivered."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.stages import hooks
from tasks.policy import recording
from tasks.session import session


@recording(name="deliver hooks")
def deliver_events() -> dict[str, Any]:
    """Tell every hook what is due."""
    with session() as opened:
        plain: dict[str, Any] = msgspec.to_builtins(hooks.deliver(opened))
        return plain
