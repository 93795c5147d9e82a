"""What is heard while a conversation goes on: pieces that overlap, of which the later one knows better."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from commonplace.model import Conversation
from commonplace.sources.contract import Event, NotAConversation, Received
from commonplace.sources.fields import dicts, mapping, text
from commonplace.sources.omi.bodies import SOURCE, decoded, digest
from commonplace.sources.omi.segments import read_segment, seconds

_MARK = "live-"
_PAUSE = 10 * 60 * 1_000_000
_BACK_SECONDS = 30.0
"""Times count from the beginning of a conversation: where they fall back by so much, another one has begun."""


class Heard(msgspec.Struct):
    """A segment, and when it was said."""

    told: dict[str, Any]
    start: float
    end: float
    order: int


def sittings(pieces: Sequence[Event]) -> list[Sequence[Event]]:
    """Cut where the session changes, after a pause, and where its clock starts again."""
    cuts = [0]
    for place, (before, after) in enumerate(pairwise(pieces), start=1):
        is_another = session_of(before) != session_of(after)
        has_paused = after.received_at - before.received_at > _PAUSE
        if is_another or has_paused or _first(after) < _first(before) - _BACK_SECONDS:
            cuts.append(place)
    return [pieces[start:end] for start, end in pairwise([*cuts, len(pieces)]) if end > start]


def assemble(pieces: Sequence[Event]) -> Received:
    """The conversation that these pieces are of, as far as they tell."""
    heard = _without_repetitions([heard for order, piece in enumerate(pieces) for heard in _heard(piece, order)])
    first, last = pieces[0], pieces[-1]
    started_at = first.received_at - int(max((one.end for one in _heard(first, 0)), default=0.0) * 1_000_000)
    id = f"{_MARK}{digest(first.uid, session_of(first), first.received_at).hex()}"
    messages = [
        message
        for place, one in enumerate(heard)
        if (message := read_segment(one.told, place, id, started_at)) is not None
    ]
    if not messages:
        raise NotAConversation("Nothing was said in it.")
    for place, (before, after) in enumerate(pairwise(messages), start=1):
        after.parent_id, after.position = before.id, place
    return Received(
        conversation=Conversation(
            source=SOURCE,
            external_id=id,
            title=None,
            created_at=started_at,
            updated_at=last.received_at,
            messages=messages,
            extra={"kind": "transcript", "session": session_of(first)},
        )
    )


def is_assembled(conversation_id: str) -> bool:
    return conversation_id.startswith(f"{SOURCE}:{_MARK}")


def session_of(piece: Event) -> str:
    """The session that the body names, else the address; older ones name none."""
    told = decoded(piece.body)
    return text(mapping(told).get("session_id")) or piece.session


def _first(piece: Event) -> float:
    return min((one.start for one in _heard(piece, 0)), default=0.0)


def _heard(piece: Event, order: int) -> list[Heard]:
    told = decoded(piece.body)
    found = []
    for segment in dicts(told.get("segments") if isinstance(told, dict) else told):
        start, end = seconds(segment.get("start")), seconds(segment.get("end"))
        if text(segment.get("text")) and start is not None:
            found.append(Heard(segment, start, max(start, end if end is not None else start), order))
    return found


def _without_repetitions(heard: list[Heard]) -> list[Heard]:
    """Of segments that are the same, or cover the same time, the one that came last."""
    by_id: dict[str, Heard] = {}
    kept: list[Heard] = []
    for one in heard:
        if id := text(one.told.get("id")):
            by_id[id] = one
    newest_first = sorted(
        (one for one in heard if not (id := text(one.told.get("id"))) or by_id[id] is one),
        key=lambda one: (-one.order, one.start),
    )
    for one in newest_first:
        if not any(other.order != one.order and _overlap(one, other) for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: (one.start, one.end))


def _overlap(one: Heard, other: Heard) -> bool:
    """Whether they cover mostly the same time."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    shorter = min(one.end - one.start, other.end - other.start)
    return shared > shorter / 2 if shorter > 0 else one.start == other.start and one.end == other.end
