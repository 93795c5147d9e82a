"""A conversation that has ended, in any of the generations of OMI's names for things."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from commonplace.model import Conversation, Message, Project
from commonplace.sources.contract import Event, NotAConversation, Received
from commonplace.sources.decoding import storable
from commonplace.sources.fields import dicts, first_text, flag, mapping, moment, text
from commonplace.sources.omi.bodies import SOURCE, decoded, digest, is_empty
from commonplace.sources.omi.days import read_day
from commonplace.sources.omi.notes import read_notes
from commonplace.sources.omi.photos import read_photos
from commonplace.sources.omi.segments import read_segment
from commonplace.sources.omi.transcripts import is_assembled

NAME = SOURCE
TITLE = "OMI"
READER_VERSION = "omi/1"
MEMORY, DAY_SUMMARY, TRANSCRIPT = "memory", "day-summary", "transcript"
WHOLES = (MEMORY, DAY_SUMMARY)
PIECES = (TRANSCRIPT,)

_BEFORE, _AFTER = 5 * 60 * 1_000_000, 15 * 60 * 1_000_000
"""Clocks differ, and the last piece may come late."""
_LONGEST_ID = 200
_HANDLED = frozenset(
    {"id", "created_at", "updated_at", "started_at", "finished_at", "transcript_segments", "photos", "starred"}
)


def read(event: Event, *, keep_location: bool) -> Received:
    """A conversation that has ended, or a day's summary."""
    told = decoded(event.body, keep_location=keep_location)
    if event.kind == DAY_SUMMARY:
        return Received(conversation=read_day(told, event.received_at, keep_location=keep_location))
    return _read_memory(told, event)


def covers(conversation: Conversation) -> tuple[int, int] | None:
    """From its beginning to its end, with some slack. What was assembled of pieces stands for nothing but itself."""
    if is_assembled(conversation.id) or conversation.extra.get("kind") is not None:
        return None
    finished_at = moment(conversation.extra.get("finished_at"))
    if conversation.created_at is None or finished_at is None:
        return None
    return conversation.created_at - _BEFORE, finished_at + _AFTER


def _read_memory(told: Any, event: Event) -> Received:
    told = mapping(told.get("memory")) or mapping(told.get("conversation")) or told if isinstance(told, dict) else told
    if not isinstance(told, dict):
        raise NotAConversation("It is not a JSON object.")
    structured = mapping(told.get("structured"))
    segments = list(dicts(told.get("transcript_segments")))
    if not (text(told.get("id")) or structured or segments):
        raise NotAConversation("It has neither an id nor a title, and nothing was said in it.")
    started_at = moment(told.get("started_at")) or moment(told.get("created_at"))
    ended_at = moment(told.get("created_at")) or moment(told.get("finished_at")) or started_at
    is_withdrawn = True in map(flag, (told.get("discarded"), told.get("deleted"))) or told.get("status") == "deleted"
    id = _id(told, event, segments)
    photos, files = read_photos(told)
    folder = _folder(told)
    said = _said(segments, id, started_at)
    return Received(
        conversation=Conversation(
            source=SOURCE,
            external_id=id,
            title=text(structured.get("title")),
            created_at=started_at,
            updated_at=event.received_at if is_withdrawn else moment(told.get("updated_at")) or ended_at,
            messages=list(_messages(told, said, photos, started_at, ended_at)),
            project_ref=folder.id if folder else None,
            is_starred=flag(told.get("starred")),
            is_archived=True if is_withdrawn else None,
            extra=_extra(told, structured),
            project=folder if folder and folder.name else None,
        ),
        files=files,
        unnamed=frozenset(message.id for message, segment in said if text(segment.get("id")) is None),
        unattributed=frozenset(message.id for message, _ in said if "is_user" not in message.extra),
        is_withdrawn=is_withdrawn,
    )


def _folder(told: dict[str, Any]) -> Project | None:
    """What OMI's app sorts conversations into is a project here, by its name where it is told."""
    id = text(told.get("folder_id"))
    return Project(id=f"{SOURCE}-folder:{id}", name=text(told.get("folder_name")) or "") if id else None


def _id(told: dict[str, Any], event: Event, segments: list[dict[str, Any]]) -> str:
    """OMI's; where it names none, what was said, by whom and when, so that the same is the same."""
    named = first_text(told, "id", "memory_id", "conversation_id")
    if named is None:
        said = [(segment.get("text"), segment.get("start")) for segment in segments]
        times = [told.get(key) for key in ("created_at", "started_at", "finished_at")]
        return f"unnamed-{digest(event.uid, times, said).hex()}"
    return named if len(named) <= _LONGEST_ID and named.isprintable() else f"odd-{digest(named).hex()}"


def _said(segments: list[dict[str, Any]], id: str, started_at: int | None) -> list[tuple[Message, dict[str, Any]]]:
    """What was said, and the segment that it is made of."""
    return [
        (message, segment)
        for place, segment in enumerate(segments)
        if (message := read_segment(segment, place, id, started_at)) is not None
    ]


def _messages(
    told: dict[str, Any],
    said: list[tuple[Message, dict[str, Any]]],
    photos: list[Message],
    started_at: int | None,
    ended_at: int | None,
) -> Iterator[Message]:
    """What was said and seen, in its order, and then what OMI made of it; each answers the one before."""
    spoken = (message for message, _ in said)
    found = sorted([*spoken, *photos], key=lambda message: message.created_at or started_at or 0)
    if notes := read_notes(told, ended_at):
        found.append(notes)
    before: str | None = None
    for position, message in enumerate(found):
        message.position, message.parent_id = position, before
        before = message.id
        yield message


def _extra(told: dict[str, Any], structured: dict[str, Any]) -> dict[str, Any]:
    """Whatever else it says, by its own names, and when it ended."""
    rest = {key: storable(value) for key, value in told.items() if key not in _HANDLED and not is_empty(value)}
    finished = {"finished_at": told["finished_at"]} if text(told.get("finished_at")) else {}
    return rest | finished | ({"structured": storable(structured)} if structured else {})
