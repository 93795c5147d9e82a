"""What of an export surrounds a conversation while it is read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from commonplace.sources.chatgpt.assets import Assets


class Said(msgspec.Struct):
    """What the export's other files say of conversations and messages."""

    feedback: dict[str, list[dict[str, Any]]] = msgspec.field(default_factory=dict)
    shared: dict[str, list[dict[str, Any]]] = msgspec.field(default_factory=dict)


class Surroundings(msgspec.Struct):
    """The export's files, its other words, and the count of what nobody expected."""

    assets: Assets
    said: Said = msgspec.field(default_factory=Said)
    unfamiliar: Counter[str] = msgspec.field(default_factory=Counter)
