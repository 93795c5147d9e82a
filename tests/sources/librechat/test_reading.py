"""What LibreChat exports, in its shapes."""

from __future__ import annotations

from pathlib import Path

from commonplace.model import Conversation
from commonplace.sources.registry import open_export
from tests.fakes.assistants import librechat_conversation
from tests.fakes.exports import as_json
from tests.sources.reading import read_all


def test_a_tree_and_a_list_are_the_same_conversation(tmp_path: Path) -> None:
    listed = librechat_conversation("c")
    asked, answered = listed["messages"]
    nested = {**listed, "recursive": True, "messages": [{**asked, "children": [answered]}]}
    read = []
    for name, item in (("list", listed), ("tree", nested)):
        path = tmp_path / f"{name}.json"
        path.write_bytes(as_json(item))
        ((told,), _) = read_all(path)
        read.append([(message.id, message.parent_id, message.text) for message in told.messages])
    assert read[0] == read[1] == [("c-1", None, "What is a zip?"), ("c-2", "c-1", "An archive.")]


def test_parts_of_an_answer_are_told_apart(tmp_path: Path) -> None:
    parts = [
        {"type": "think", "think": "Hm"},
        {"type": "tool_call", "tool_call": {"name": "search", "args": '{"q": 1}', "output": "found"}},
        {"type": "text", "text": {"value": "Here."}},
    ]
    path = tmp_path / "x.json"
    path.write_bytes(as_json(librechat_conversation("c", content=parts, text="")))
    ((told,), _) = read_all(path)
    for folded in ("Thoughts", "Tool call: search", "Tool: search"):
        assert f"<summary>{folded}</summary>" in told.messages[1].text
    assert told.messages[1].text.endswith("Here.")


def test_a_long_conversation_is_one_by_what_is_around_its_messages(tmp_path: Path) -> None:
    told = librechat_conversation("c")
    told["messages"] = [{**told["messages"][0], "messageId": f"m-{n}", "text": f"Line {n}"} for n in range(200)]
    (tmp_path / "chat.json").write_bytes(as_json(told))
    found, defects = read_all(tmp_path / "chat.json")
    assert ([len(one.messages) for one in found], defects) == ([200], [])


def test_an_agents_instructions_images_and_failures_are_kept_and_its_id_is_no_model(tmp_path: Path) -> None:
    parts = [
        {"type": "text", "text": "Here."},
        {"type": "image_file", "image_file": {"file_id": "i", "filename": "loaf.png", "prompt": "a loaf"}},
        {"type": "error", "error": "Too many requests"},
    ]
    options = {"model": "agent_x", "promptPrefix": "You are a baker."}
    path = tmp_path / "x.json"
    path.write_bytes(as_json({**librechat_conversation("c", content=parts, text=""), "options": options}))
    with open_export(path) as export:
        (told,) = export.conversations()
        assert isinstance(told, Conversation)
        assert (told.model, told.extra) == ("gpt-6", {"instructions": "You are a baker."})
        (image,) = told.messages[1].attachments
        assert (image.kind, image.name, image.prompt) == ("image", "loaf.png", "a loaf")
        assert "Too many requests" in told.messages[1].text
        assert dict(export.unfamiliar) == {}


def test_pages_that_it_searched_are_its_sources(tmp_path: Path) -> None:
    pages = [{"title": "Zips", "link": "https://example.org", "snippet": "x"}]
    path = tmp_path / "x.json"
    searched = [{"type": "web_search", "web_search": {"organic": pages}}]
    path.write_bytes(as_json(librechat_conversation("c", attachments=searched)))
    ((told,), _) = read_all(path)
    assert told.messages[1].extra["sources"] == [{"title": "Zips", "url": "https://example.org", "preview": "x"}]
