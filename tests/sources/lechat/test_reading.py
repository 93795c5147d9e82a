"""What Le Chat exports, in its shapes."""

from __future__ import annotations

from pathlib import Path

from commonplace.model import Conversation
from commonplace.sources.registry import open_export
from tests.fakes.assistants import lechat_conversation
from tests.fakes.exports import as_json
from tests.sources.reading import read_all


def test_it_is_called_by_what_was_asked_and_chunks_count_before_the_plain_text(tmp_path: Path) -> None:
    chunks = [
        {"type": "tool_call", "name": "web_search", "query": "zip"},
        {"type": "text", "text": "A packed archive."},
        {"type": "reference", "references": [{"title": "Zips", "url": "https://example.org"}]},
    ]
    path = tmp_path / "chat-c.json"
    path.write_bytes(as_json(list(reversed(lechat_conversation("c", contentChunks=chunks)))))
    ((told,), _) = read_all(path)
    assert told.title == "What is a zip?"
    assert [message.role for message in told.messages] == ["user", "assistant"]
    assert "A packed archive." in told.messages[1].text
    assert "An archive." not in told.messages[1].text
    assert "<summary>Tool call: web_search</summary>" in told.messages[1].text
    assert "https://example.org" in told.messages[1].text


def test_messages_of_two_chats_in_one_list_are_a_defect(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(as_json([*lechat_conversation("a"), *lechat_conversation("b")]))
    found, (defect,) = read_all(path)
    assert found == []
    assert "several chats" in defect.reason


def test_thoughts_are_folded_and_where_a_canvas_stands_is_no_word(tmp_path: Path) -> None:
    chunks = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, zips"}]},
        {"type": "custom_element", "customElementType": "canvas", "metadata": {"id": "v"}},
        {"type": "text", "text": "Here."},
    ]
    path = tmp_path / "chat-c.json"
    path.write_bytes(as_json(lechat_conversation("c", contentChunks=chunks)))
    with open_export(path) as export:
        (told,) = export.conversations()
        assert isinstance(told, Conversation)
        assert "<summary>Thoughts</summary>\n\nHm, zips" in told.messages[1].text
        assert dict(export.unfamiliar) == {}


def test_what_is_cited_does_not_cut_a_sentence(tmp_path: Path) -> None:
    chunks = [
        {"type": "text", "text": "A packed "},
        {"type": "reference", "references": [{"title": "Zips", "url": "https://example.org"}]},
        {"type": "text", "text": "archive."},
    ]
    path = tmp_path / "chat-c.json"
    path.write_bytes(as_json(lechat_conversation("c", contentChunks=chunks)))
    ((told,), _) = read_all(path)
    assert told.messages[1].text.startswith("A packed archive.\n\n<details><summary>Sources</summary>")
    assert told.messages[1].extra["sources"] == [{"title": "Zips", "url": "https://example.org"}]
