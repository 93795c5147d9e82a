"""What Grok exports, in its shapes."""

from __future__ import annotations

from pathlib import Path

from commonplace.model import Conversation
from commonplace.sources.registry import open_export
from tests.fakes.assistants import grok_conversation
from tests.fakes.exports import as_json
from tests.sources.reading import read_all


def test_times_of_both_forms_thoughts_and_sources_are_read(tmp_path: Path) -> None:
    pages = [{"url": "https://example.org", "title": "Zips"}]
    path = tmp_path / "x.json"
    path.write_bytes(
        as_json({"conversations": [grok_conversation("c", thinking_trace="Hm", web_search_results=pages)]})
    )
    ((told,), _) = read_all(path)
    asked, answered = told.messages
    assert (asked.created_at, answered.created_at) == (1_772_359_201_000_000, 1_772_359_202_000_000)
    assert (answered.role, answered.parent_id, answered.model) == ("assistant", asked.id, "grok-4")
    assert answered.extra["sources"] == [{"title": "Zips", "url": "https://example.org"}]
    assert "<summary>Thoughts</summary>" in answered.text


def test_what_else_an_export_holds_is_told_and_steps_are_folded(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    tasks = [{"task": {"prompt": "Tell me the news"}}]
    talks = [grok_conversation("c", steps=[{"text": ["Looking it up"], "tags": ["header"]}])]
    path.write_bytes(as_json({"conversations": talks, "projects": [], "tasks": tasks, "media_posts": [{}, {}]}))
    with open_export(path) as export:
        (told,) = export.conversations()
        assert isinstance(told, Conversation)
        assert "Looking it up" in told.messages[1].text
        assert [one.name for one in export.left_out] == ["x.json: tasks (1)", "x.json: media_posts (2)"]


def test_cards_are_links_and_all_that_a_message_is_made_of_is_read(tmp_path: Path) -> None:
    card = '<grok:render card_id="a" type="x"><argument name="n">0</argument></grok:render>'
    cards = ['{"id": "a", "url": "https://example.org/zips"}', "no card"]
    answer = {
        "message": f"An archive. {card}",
        "card_attachments_json": cards,
        "agent_thinking_traces": [{"thinking_trace": "Another one thinks"}],
        "generated_image_urls": ["users/u/generated/i/image.jpg"],
        "error": "Moderated",
    }
    path = tmp_path / "x.json"
    talk = grok_conversation("c", **answer)
    talk["responses"].append({"response": {"_id": "c-3", "sender": "human", "message": "", "query": "Draw it"}})
    path.write_bytes(as_json({"conversations": [talk]}))
    with open_export(path) as export:
        (told,) = export.conversations()
        assert isinstance(told, Conversation)
        assert export.unfamiliar == {}
    answered = next(message for message in told.messages if message.id == "c-2")
    assert "An archive. [example.org](https://example.org/zips)" in answered.text
    assert "grok:render" not in answered.text
    assert "Another one thinks\n\n</details>" in answered.text
    assert "<summary>Error</summary>" in answered.text
    assert [(file.kind, file.name) for file in answered.attachments] == [("image", "image.jpg")]
    assert next(message for message in told.messages if message.id == "c-3").text == "Draw it"
