"""Reminding of exports. Never cached: the archive knows who was told."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.stages.requests import reminding
from tasks.policy import recording
from tasks.session import session


@recording(name="remind of exports")
def remind() -> dict[str, Any]:
    """Read the mail, and tell of every account that needs a click."""
    with session() as opened:
        plain: dict[str, Any] = msgspec.to_builtins(reminding.remind_export(opened))
        return plain
