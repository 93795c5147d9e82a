"""What a workspace's compliance logs say, in the envelopes they may come in."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from commonplace.errors import Halt
from commonplace.model import Conversation
from commonplace.sources.contract import Skipped
from commonplace.sources.registry import open_export
from tests.fakes.assistants import Json, as_lines, compliance_event, compliance_talk
from tests.fakes.exports import write_folder
from tests.sources.reading import read_all


def read(tmp_path: Path, **days: list[Json]) -> list[Conversation]:
    folder = write_folder(tmp_path / "logs", {f"{day}.jsonl": as_lines(events) for day, events in days.items()})
    found, defects = read_all(folder)
    assert defects == []
    return found


def test_what_goes_on_the_next_day_is_the_same_conversation(tmp_path: Path) -> None:
    (found,) = read(
        tmp_path, monday=compliance_talk("c"), tuesday=[compliance_event("c", "c-3", "user", "Thanks", at=3)]
    )
    assert [(message.id, message.role, message.parent_id, message.is_active) for message in found.messages] == [
        ("c-1", "user", None, True),
        ("c-2", "assistant", "c-1", True),
        ("c-3", "user", "c-2", True),
    ]
    assert (found.id, found.title, found.url) == ("chatgpt_compliance:c", "A title", "https://chatgpt.com/c/c")
    assert found.extra == {"account": "someone@example.org", "workspace": "workspace-1"}


def test_an_edited_message_has_its_newest_words_and_branches_follow_their_parents(tmp_path: Path) -> None:
    events = [
        *compliance_talk("c"),
        compliance_event("c", "c-2", "assistant", "A packed file.", at=4, parent_id="c-1"),
        compliance_event("c", "c-4", "assistant", "A container.", at=5, parent_id="c-1"),
    ]
    (found,) = read(tmp_path, day=events)
    assert {message.id: (message.text, message.parent_id) for message in found.messages} == {
        "c-1": ("What is a zip?", None),
        "c-2": ("A packed file.", "c-1"),
        "c-4": ("A container.", "c-1"),
    }


def test_members_of_a_workspace_are_told_apart(tmp_path: Path) -> None:
    other = compliance_event("d", "d-1", "user", "Hello")
    other["actor"] = {"id": "user-2", "email": "other@example.org"}
    found = read(tmp_path, day=[*compliance_talk("c"), other])
    assert {told.external_id: told.extra["account"] for told in found} == {
        "c": "someone@example.org",
        "d": "other@example.org",
    }


def test_events_that_tell_no_message_are_counted_by_their_kind(tmp_path: Path) -> None:
    login = {"event_id": "e", "event_type": "AUTH_LOG", "timestamp": "2026-03-01T10:00:00Z", "payload": {"ip": "::1"}}
    folder = write_folder(tmp_path / "logs", {"day.jsonl": as_lines([*compliance_talk("c"), login, login])})
    with open_export(folder) as export:
        items = [item for item in export.conversations() if isinstance(item, Conversation)]
        assert [bool(item.messages) for item in items] == [True, False]
        assert export.unfamiliar == {"event.AUTH_LOG": 2}


def test_a_day_on_which_nobody_talked_is_told_too(tmp_path: Path) -> None:
    logins = [{"event_type": "AUTH_LOG", "payload": {"ip": "::1", "padding": "x" * 1000}} for _ in range(100)]
    folder = write_folder(tmp_path / "logs", {"day.jsonl": as_lines([*compliance_talk("c"), *logins])})
    with open_export(folder) as export:
        items = list(export.conversations())
        assert [bool(item.messages) for item in items if isinstance(item, Conversation)] == [True, False]
        assert export.unfamiliar == {"event.AUTH_LOG": 100}
        again = export.conversations(frozenset)
        assert [type(item) for item in again] == [Skipped, Skipped]


def test_logs_that_do_not_fit_beside_what_is_there_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(Path("/dev/full").open, "w+b"))
    with pytest.raises(Halt, match="no room") as told:
        read(tmp_path, day=compliance_talk("c"))
    assert "TMPDIR" in (told.value.hint or "")


@pytest.mark.parametrize(
    "event",
    [
        {"event_id": "e", "conversation_id": "c", "id": "m", "role": "user", "content": "Hello"},
        {"workspace_id": "w", "conversation_id": "c", "message": {"id": "m", "role": "user", "content": ["Hello"]}},
        {
            "object": "compliance.workspace.conversation",
            "id": "c",
            "messages": {
                "object": "list",
                "data": [
                    {"id": "m", "author": {"role": "user"}, "content": {"content_type": "text", "value": "Hello"}}
                ],
            },
        },
        {
            "type": "conversation.message.created",
            "timestamp": 1772359200,
            "payload": {"data": {"conversation": {"id": "c"}, "message": {"id": "m", "role": "user", "text": "Hello"}}},
        },
    ],
)
def test_whatever_envelope_it_comes_in_a_message_is_read(tmp_path: Path, event: dict[str, Any]) -> None:
    (found,) = read(tmp_path, day=[event])
    assert (found.id, [(message.id, message.role, message.text) for message in found.messages]) == (
        "chatgpt_compliance:c",
        [("m", "user", "Hello")],
    )


def test_tools_are_folded_system_messages_are_hidden_and_files_are_named(tmp_path: Path) -> None:
    events = [
        compliance_event("c", "s", "system", "Be brief", at=0),
        compliance_event("c", "q", "user", "See", files=[{"id": "file-1", "name": "loaf.png"}]),
        compliance_event("c", "t", "tool", "Output", at=2),
    ]
    (found,) = read(tmp_path, day=events)
    assert found.messages[0].is_hidden
    assert [attachment.name for attachment in found.messages[1].attachments] == ["loaf.png"]
    assert found.messages[2].text.startswith("<details>")
