"""What Claude's export says, in its many shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonplace.errors import Refused
from commonplace.model import Conversation, Project
from commonplace.sources.registry import open_export
from tests.fakes.assistants import claude_conversation, claude_message
from tests.fakes.exports import as_json, write_zip
from tests.sources.reading import read_all


def read(tmp_path: Path, *items: Any, **files: Any) -> list[Conversation]:
    named = {f"{name}.json": value for name, value in files.items()}
    found, defects = read_all(write_zip(tmp_path / "x.zip", {"conversations.json": list(items), **named}))
    assert defects == []
    return found


def test_branches_follow_the_parents_and_the_first_message_has_none(tmp_path: Path) -> None:
    told = [
        claude_message("q", "Why?"),
        claude_message("a", "Because.", "assistant", "q"),
        claude_message("b", "For no reason.", "assistant", "q", created_at="2026-03-01T11:00:00Z"),
    ]
    (found,) = read(tmp_path, claude_conversation("c", *told))
    assert [(message.id, message.parent_id, message.is_active) for message in found.messages] == [
        ("q", None, True),
        ("b", "q", True),
        ("a", "q", False),
    ]
    assert found.current_message_id == "b"
    assert found.url == "https://claude.ai/chat/c"


def test_older_exports_without_parents_are_a_chain_and_their_plain_text_counts(tmp_path: Path) -> None:
    told = [{"uuid": key, "sender": sender, "text": key} for key, sender in (("q", "human"), ("a", "assistant"))]
    (found,) = read(tmp_path, claude_conversation("c", *told))
    assert [(message.role, message.text, message.parent_id) for message in found.messages] == [
        ("user", "q", None),
        ("assistant", "a", "q"),
    ]


def test_thoughts_and_tools_are_folded_and_what_is_said_is_not(tmp_path: Path) -> None:
    parts = [
        {"type": "thinking", "thinking": "He wants bread.", "signature": "x"},
        {"type": "tool_use", "name": "artifacts", "input": {"id": "a", "content": "# Recipe"}},
        {"type": "tool_result", "name": "web", "content": [{"type": "text", "text": "found"}]},
        {"type": "text", "text": "Here.", "citations": [{"url": "https://example.org", "title": "Bread"}]},
        {"type": "voice_note", "title": "Note", "text": "spoken"},
    ]
    (found,) = read(tmp_path, claude_conversation("c", claude_message("m", parts, "assistant")))
    (message,) = found.messages
    for folded in ("<summary>Thoughts</summary>", "<summary>Tool call: artifacts</summary>", "<summary>Tool: web"):
        assert folded in message.text
    assert "# Recipe" in message.text
    assert message.text.endswith("Here.\n\nspoken")
    assert message.extra["sources"] == [{"title": "Bread", "url": "https://example.org"}]


def test_attachments_bring_their_text_and_files_without_bytes_are_told(tmp_path: Path) -> None:
    pasted = {"file_name": "notes.txt", "file_size": 5, "file_type": "txt", "extracted_content": "flour and water"}
    told = claude_message("m", "See", attachments=[pasted], files=[{"file_uuid": "f", "file_name": "loaf.png"}])
    path = write_zip(tmp_path / "x.zip", {"conversations.json": [claude_conversation("c", told)]})
    with open_export(path) as export:
        (found,) = export.conversations()
        assert isinstance(found, Conversation)
        assert [attachment.text for attachment in found.messages[0].attachments] == ["flour and water", None]
        assert "flour and water" in found.messages[0].text
        assert [(left.name, left.reason) for left in export.left_out] == [
            ("loaf.png", "named by a message, but not in the export")
        ]


def test_projects_and_memories_are_words_too(tmp_path: Path) -> None:
    project = {
        "uuid": "p",
        "name": "Bread",
        "description": "All about it",
        "prompt_template": "Be brief",
        "docs": [{"uuid": "d", "filename": "list.md", "content": "flour"}],
    }
    memories = [{"conversations_memory": "Bakes on Sundays", "account_uuid": "u"}]
    found = read(tmp_path, claude_conversation("c"), projects=[project], memories=memories)
    by_id = {told.external_id: told for told in found}
    assert by_id["project-p"].title == "Bread"
    assert by_id["project-p"].project_ref == "p"
    assert by_id["project-p"].project == Project(
        id="p", name="Bread", description="All about it", instructions="Be brief"
    )
    assert [message.text for message in by_id["memories"].messages] == ["Bakes on Sundays"]
    assert "All about it" in by_id["project-p"].messages[0].text
    assert "flour" in by_id["project-p"].messages[1].text


def test_an_export_without_conversations_is_one_all_the_same(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"conversations.json": [], "users.json": [{"uuid": "u"}]})
    with open_export(path) as export:
        assert export.source == "claude"
        assert list(export.conversations()) == []
        assert [(one.name, one.reason) for one in export.left_out] == [("conversations.json", "there is nothing in it")]


def test_a_conversation_that_nobody_named_is_called_by_what_was_asked(tmp_path: Path) -> None:
    (found,) = read(tmp_path, claude_conversation("c", claude_message("m", "How long?\nReally"), name=""))
    assert found.title == "How long?"


def test_an_export_of_several_zips_is_read_part_by_part_or_as_their_folder(tmp_path: Path) -> None:
    manifest = {"version": 1, "parts": [{"file": "data/a-1.zip"}, {"file": "data/a-2.zip"}, {"file": "A-3.ZIP"}]}
    (tmp_path / "all").mkdir()
    for number in "12":
        told = {"conversations.json": [claude_conversation(number)], "manifest.json": manifest}
        write_zip(tmp_path / "all" / f"a-{number}.zip", told)
    with open_export(tmp_path / "all" / "a-1.zip") as export:
        assert len(list(export.conversations())) == 1
        assert {left.name: left.reason for left in export.left_out} == dict.fromkeys(
            ("a-2.zip", "A-3.ZIP"), "another part of this export: import it too"
        )
    (tmp_path / "all" / "manifest.json").write_bytes(as_json(manifest))
    found, defects = read_all(tmp_path / "all")
    assert (sorted(told.external_id for told in found), defects) == (["1", "2"], [])
    with open_export(tmp_path / "all") as export:
        assert [left.name for left in export.left_out] == ["A-3.ZIP"]
    with pytest.raises(Refused, match=r"lists parts of an export that are not in it .*a-1\.zip"):
        read_all(tmp_path / "all" / "manifest.json")


def test_a_page_that_a_search_found_is_told_with_its_title_and_address(tmp_path: Path) -> None:
    page = {"type": "knowledge", "title": "Bread", "url": "https://example.org/bread", "text": "70 percent"}
    parts = [{"type": "tool_result", "name": "web_search", "content": [page]}, {"type": "text", "text": "Here."}]
    (found,) = read(tmp_path, claude_conversation("c", claude_message("m", parts, "assistant")))
    assert "Bread\nhttps://example.org/bread\n70 percent" in found.messages[0].text


def test_pictures_and_notices_are_no_words_of_the_conversation(tmp_path: Path) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    asked = claude_message("1", [{"type": "text", "text": "What is this?"}, picture])
    answer = [{"type": "text", "text": "A zip."}, {"type": "flag", "flag": "helpful", "helpline": None}]
    path = tmp_path / "x.json"
    path.write_bytes(as_json([claude_conversation("c", asked, claude_message("2", answer, "assistant", "1"))]))
    (told,), _ = read_all(path)
    assert told.messages[0].text == "What is this?\n\n<details><summary>Image</summary></details>"
    assert told.messages[0].raw is not None
    assert told.messages[1].text == "A zip.\n\n<details><summary>Notice</summary>\n\nhelpful\n\n</details>"
