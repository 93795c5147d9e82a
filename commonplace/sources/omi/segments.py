"""What was said: each segment of a transcript as a message of whoever said it."""

from __future__ import annotations

import re
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from commonplace.model import Message
from commonplace.sources.decoding import storable
from commonplace.sources.fields import flag, text
from commonplace.sources.omi.bodies import digest, is_empty

_HANDLED = frozenset(
    {"id", "text", "speaker", "speaker_id", "speakerId", "speaker_name", "speakerName", "is_user", "isUser"}
)
_LONGEST_SECONDS = 30 * 86_400
_NUMBER = re.compile(r"\d+")


def read_segment(told: dict[str, Any], place: int, conversation_id: str, started_at: int | None) -> Message | None:
    """The message of a segment, the `place`th of its conversation; None where nothing was said."""
    said = text(told.get("text"))
    if said is None:
        return None
    starts = seconds(told.get("start"))
    is_user = flag(told.get("is_user", told.get("isUser")))
    return Message(
        id=text(told.get("id")) or _segment_id(conversation_id, place),
        role="user",
        author=None if is_user else speaker(told),
        text=said.strip(),
        digest=digest("user", said),
        created_at=None if started_at is None or starts is None else started_at + int(starts * 1_000_000),
        extra={key: storable(value) for key, value in told.items() if key not in _HANDLED and not is_empty(value)}
        | ({} if is_user is None else {"is_user": is_user}),
    )


def speaker(told: dict[str, Any]) -> str:
    """The name of whoever spoke, or a number to tell them apart by."""
    named = text(told.get("speaker_name")) or text(told.get("speakerName"))
    if named is not None:
        return named.strip()
    for key in ("speaker_id", "speakerId", "speaker"):
        found = _NUMBER.search(str(told.get(key, "")))
        if found:
            return f"Speaker {int(found[0][:9])}"
    return "Speaker"


def seconds(value: object) -> float | None:
    """Since the beginning of the conversation."""
    is_sane = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LONGEST_SECONDS
    return float(value) if is_sane else None  # type: ignore[arg-type]


def _segment_id(conversation_id: str, place: int) -> str:
    """The one that OMI makes up for segments that have none."""
    return str(uuid5(NAMESPACE_URL, f"omi/conversations/{conversation_id}/transcript-segments/{place}"))
