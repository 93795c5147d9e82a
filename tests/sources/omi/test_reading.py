"""OMI's conversations, in every generation of its names for things."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from commonplace.model import Conversation, Project
from commonplace.moments import to_iso
from commonplace.sources import omi
from commonplace.sources.contract import Event, NotAConversation, Received

FIXTURES = Path(__file__).parents[3].parent / "shared" / "fixtures" / "omi"
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 20).decode()


def memory(**told: Any) -> dict[str, Any]:
    """A conversation as OMI sends it today, in short."""
    return {
        "id": "m-1",
        "created_at": "2026-11-01T10:30:05.123456+00:00",
        "started_at": "2026-11-01T10:00:00+00:00",
        "finished_at": "2026-11-01T10:30:00+00:00",
        "structured": {"title": "Quarter plan", "overview": "Talked through it.", "category": "work"},
        "transcript_segments": [
            {
                "id": "s1",
                "text": "I'll send it.",
                "speaker": "SPEAKER_01",
                "speaker_id": 1,
                "is_user": True,
                "start": 12.0,
            },
            {"id": "s2", "text": "Great.", "speaker_id": 0, "is_user": False, "speaker_name": "Ana", "start": 15.6},
        ],
        **told,
    }


def read(told: Any, kind: str = "memory", **options: Any) -> Received:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    event = Event(kind=kind, uid="user-1", body=body, received_at=1_800_000_000_000_000)
    return omi.read(event, keep_location=options.get("keep_location", False))


def said(conversation: Conversation) -> list[tuple[str | None, str]]:
    return [(message.author, message.text) for message in conversation.messages]


def test_a_conversation_tells_who_said_what_when_and_what_was_made_of_it() -> None:
    conversation = read(memory()).conversation
    assert conversation.id == "omi:m-1"
    assert conversation.title == "Quarter plan"
    assert to_iso(conversation.created_at) == "2026-11-01T10:00:00Z"
    assert to_iso(conversation.updated_at) == "2026-11-01T10:30:05Z"
    assert said(conversation)[:2] == [(None, "I'll send it."), ("Ana", "Great.")]
    assert to_iso(conversation.messages[0].created_at) == "2026-11-01T10:00:12Z"
    assert [message.extra["is_user"] for message in conversation.messages[:2]] == [True, False]
    notes = conversation.messages[-1]
    assert (notes.author, notes.role) == ("OMI", "assistant")
    assert notes.text == "Talked through it.\n\nOMI takes it to be about work and career."
    assert [message.parent_id for message in conversation.messages] == [None, "s1", "s2"]


def test_sections_actions_events_and_apps_are_in_the_notes() -> None:
    structured = {
        "title": "Plan",
        "sections": [{"heading": "Decisions", "body_markdown": "- ship", "source_segment_ids": ["s1"]}],
        "action_items": [
            {"description": "Send\nthe plan", "completed": False, "due_at": "2026-11-03T17:00:00+00:00"},
            {"description": "Book a room", "completed": True},
        ],
        "events": [{"title": "Review", "start": "2026-11-03T17:00:00+00:00", "duration": 30}],
    }
    conversation = read(
        memory(structured=structured, apps_results=[{"app_id": "a", "content": "All good."}])
    ).conversation
    assert conversation.messages[-1].text == (
        "## Decisions\n\n- ship\n\n## To do\n\n- [ ] Send the plan (by 2026-11-03)\n- [x] Book a room\n\n"
        "## Events\n\n- Review (2026-11-03 17:00 UTC)\n\n## What an app said\n\nAll good."
    )
    assert conversation.extra["structured"]["action_items"][0]["due_at"] == "2026-11-03T17:00:00+00:00"


@pytest.mark.parametrize("names", [("plugins_results", "plugin_id"), ("apps_response", "app_id")])
def test_older_names_of_what_apps_said_are_understood(names: tuple[str, str]) -> None:
    told = memory(structured={}, **{names[0]: [{names[1]: "a", "content": "Test app response"}]})
    assert read(told).conversation.messages[-1].text == "## What an app said\n\nTest app response"


def test_older_names_of_speakers_are_understood() -> None:
    segments = [
        {"text": "a", "speaker": "SPEAKER_07", "start": 1},
        {"text": "b", "speakerId": 3, "start": 2},
        {"text": "c", "speakerName": "Ben", "isUser": False, "start": 3},
        {"text": "d", "start": 4},
    ]
    conversation = read(memory(transcript_segments=segments, structured={})).conversation
    assert [author for author, _ in said(conversation)] == ["Speaker 7", "Speaker 3", "Ben", "Speaker"]


def test_segments_without_ids_get_those_that_omi_would_make_up() -> None:
    first, again = (
        read(memory(transcript_segments=[{"text": "a", "start": 1}], structured={})).conversation for _ in range(2)
    )
    assert first.messages[0].id == again.messages[0].id
    assert len(first.messages[0].id) == 36


def test_what_has_no_id_is_identified_by_what_was_said_and_when() -> None:
    told = memory()
    del told["id"]
    first, again = read(told).conversation, read({**told, "new_field": 1}).conversation
    other = read({**told, "started_at": "2026-11-02T10:00:00+00:00"}).conversation
    assert first.id == again.id != other.id


def test_photos_are_attachments_with_their_bytes() -> None:
    photos = [
        {"id": "p1", "base64": PIXEL, "description": "A whiteboard", "created_at": "2026-11-01T10:00:13+00:00"},
        {"id": "p2", "base64": "not base64!", "description": None},
        {"id": "p3", "base64": PIXEL, "discarded": True},
    ]
    received = read(memory(photos=photos))
    (photo,) = [message for message in received.conversation.messages if message.attachments]
    assert (photo.text, photo.attachments[0].mime_type) == ("A whiteboard", "image/png")
    assert received.files[str(photo.attachments[0].member)].startswith(b"\x89PNG")
    assert [message.id for message in received.conversation.messages] == ["s1", "photo-p1", "s2", "notes"]
    assert PIXEL not in repr(received.conversation.extra)


def test_a_folder_is_a_project_by_its_name() -> None:
    conversation = read(memory(folder_id="f-1", folder_name="Work")).conversation
    assert conversation.project == Project(id="omi-folder:f-1", name="Work")
    assert conversation.project_ref == "omi-folder:f-1"
    unnamed = read(memory(folder_id="f-1")).conversation
    assert (unnamed.project_ref, unnamed.project) == ("omi-folder:f-1", None)


def test_what_nobody_knows_is_kept() -> None:
    told = memory(brand_new={"a": [1]}, folder_name="Work", language="en")
    told["transcript_segments"][0]["translations"] = [{"lang": "de", "text": "Ich schicke es."}]
    conversation = read(told).conversation
    assert conversation.extra["brand_new"] == {"a": [1]}
    assert conversation.extra["folder_name"] == "Work"
    assert conversation.project_ref is None
    assert conversation.messages[0].extra["translations"][0]["lang"] == "de"


def test_where_somebody_was_is_left_out_unless_it_is_wanted() -> None:
    told = memory(geolocation={"latitude": 52.5, "address": "1 Market St"}, deep={"geolocation": {"latitude": 52.5}})
    assert "52.5" not in repr(read(told))
    assert "52.5" in repr(read(told, keep_location=True))


@pytest.mark.parametrize("told", [{"discarded": True}, {"deleted": True}, {"status": "deleted"}])
def test_what_is_taken_back_says_so(told: dict[str, Any]) -> None:
    received = read(memory(**told))
    assert received.is_withdrawn
    assert received.conversation.is_archived
    assert received.conversation.updated_at == 1_800_000_000_000_000


def test_a_day_summary_is_a_conversation_of_its_own_kind() -> None:
    summary = {
        "id": "d-1",
        "date": "2026-11-01",
        "headline": "A day of plans",
        "overview": "Mostly planning.",
        "highlights": [{"topic": "Plan", "summary": "It ships."}],
        "action_items": [{"description": "Send it", "completed": False}],
        "unresolved_questions": [{"question": "When?"}],
        "decisions_made": ["Ship"],
        "knowledge_nuggets": [{"insight": "Plans change"}],
        "locations": [{"name": "Home", "latitude": 52.5}],
    }
    told = {"summary": repr(summary), "summary_json": summary, "uid": "u", "created_at": "2026-11-01T22:00:00+00:00"}
    conversation = read(told, "day-summary").conversation
    assert conversation.id == "omi:day-2026-11-01"
    assert conversation.title == "A day of plans"
    assert conversation.extra["kind"] == "day_summary"
    assert conversation.messages[0].text == (
        "Mostly planning.\n\n## Plan\n\nIt ships.\n\n## To do\n\n- [ ] Send it\n\n## Open questions\n\n- When?\n\n"
        "## Decided\n\n- Ship\n\n## Learned\n\n- Plans change"
    )
    assert "52.5" not in repr(conversation)
    assert "52.5" in repr(read(told, "day-summary", keep_location=True))
    older = {"summary": repr(summary), "uid": "u", "created_at": "2026-11-01T22:00:00"}
    assert read(older, "day-summary").conversation.messages[0].text == conversation.messages[0].text


@pytest.mark.parametrize(
    "summary",
    [
        "plain text",
        "{'a': __import__('os')}",
        "{" * 5000,
        "[" * 100_000,
        "{'a':" * 2000,
        "{'headline': 'x'",
        "{1: 2**9}",
    ],
)
def test_an_old_summary_that_is_no_literal_is_kept_as_text(summary: str) -> None:
    conversation = read({"summary": summary, "created_at": "2026-11-01T22:00:00"}, "day-summary").conversation
    assert conversation.messages[0].text == summary


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"not json",
        b"[]",
        b"7",
        b"null",
        b"{}",
        b"\xff\xfe\x00",
        b'{"structured": [], "transcript_segments": "x"}',
        b"[" * 10_000,
        b'{"a":' * 10_000,
    ],
)
@pytest.mark.parametrize("kind", ["memory", "day-summary"])
def test_what_is_no_conversation_says_so_without_quoting_it(told: bytes, kind: str) -> None:
    with pytest.raises(NotAConversation, match=r"^It is|^It has"):
        read(told, kind)


ODD: list[Any] = [None, 0, -1, 1e300, True, "", "x" * 100_000, "\x00\ud800", [], [[]], {}, {"a": None}, 10**400]


@pytest.mark.parametrize(
    "field", [*memory(), "photos", "discarded", "status", "starred", "geolocation", "apps_results"]
)
def test_any_field_may_be_anything(field: str) -> None:
    for odd in ODD:
        told = memory(**{field: odd})
        received = read(json.dumps(told).encode("utf-8", "replace"))
        assert received.conversation.source == "omi"
        assert all(message.text is not None for message in received.conversation.messages)


@pytest.mark.parametrize("field", ["id", "text", "speaker", "speaker_id", "is_user", "start", "end", "translations"])
def test_any_field_of_a_segment_may_be_anything(field: str) -> None:
    for odd in ODD:
        segment = {"text": "kept", "start": 1.0, field: odd}
        assert read(memory(transcript_segments=[segment, odd])).conversation.messages[-1].id == "notes"


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"OMI's public samples are not in {FIXTURES}")
def test_the_public_samples_are_understood() -> None:
    conversations = {
        name: read((FIXTURES / name).read_bytes(), kind).conversation
        for name, kind in (
            ("memory_created.seed_curl.json", "memory"),
            ("memory_created.docs.json", "memory"),
            ("memory_created.full_2026_constructed.json", "memory"),
            ("day_summary.json", "day-summary"),
            ("day_summary.old.json", "day-summary"),
        )
    }
    assert {name: conversation.title for name, conversation in conversations.items()} == {
        "memory_created.seed_curl.json": "Test Conversation",
        "memory_created.docs.json": "Project Timeline Discussion",
        "memory_created.full_2026_constructed.json": "Quarter plan",
        "day_summary.json": "h",
        "day_summary.old.json": "Summary of 2025-06-01",
    }
    full = conversations["memory_created.full_2026_constructed.json"]
    assert said(full)[:2] == [(None, "I'll send the plan by Tuesday."), ("Ana", "Great.")]
