"""What Open WebUI exports, in its shapes."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.assistants import openwebui_conversation
from tests.fakes.exports import as_json
from tests.sources.reading import read_all


def test_branches_tags_and_sources_are_read(tmp_path: Path) -> None:
    found = [{"source": {"name": "Zips", "url": "https://example.org"}}]
    item = openwebui_conversation("c", sources=found)
    messages = item["chat"]["history"]["messages"]
    messages["c-3"] = {**messages["c-2"], "id": "c-3", "content": "Another answer.", "sources": []}
    path = tmp_path / "x.json"
    path.write_bytes(as_json([{**item, "meta": {"tags": ["packing"]}, "archived": True}]))
    ((told,), _) = read_all(path)
    assert [(message.id, message.is_active) for message in told.messages] == [
        ("c-1", True),
        ("c-2", True),
        ("c-3", False),
    ]
    assert told.messages[1].extra["sources"] == [{"title": "Zips", "url": "https://example.org"}]
    assert (told.extra["tags"], told.is_archived) == (["packing"], True)


def test_older_chats_are_a_plain_list(tmp_path: Path) -> None:
    item = openwebui_conversation("c")
    told = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
    path = tmp_path / "x.json"
    path.write_bytes(as_json([{**item, "chat": {"messages": told}}]))
    ((read,), _) = read_all(path)
    assert [(message.text, message.parent_id) for message in read.messages] == [("Why?", None), ("Because.", "c-0")]


def test_what_was_uploaded_searched_and_said_of_a_failure_is_kept(tmp_path: Path) -> None:
    file = {"id": "f", "name": "r.txt", "file": {"data": {"content": "flour 500"}}}
    more = {"statusHistory": [{"action": "web_search", "query": "rye"}], "error": {"content": "Out of memory"}}
    item = openwebui_conversation("c", files=[file], **more)
    item["chat"]["params"] = {"system": "Be kind."}
    path = tmp_path / "x.json"
    path.write_bytes(as_json([{**item, "pinned": True}]))
    ((told,), _) = read_all(path)
    answer = told.messages[1]
    assert [(one.name, one.text) for one in answer.attachments] == [("r.txt", "flour 500")]
    assert "rye" in answer.text
    assert "Out of memory" in answer.text
    assert (told.is_starred, told.extra) == (True, {"instructions": "Be kind."})


def test_what_a_model_does_beside_its_answer_is_folded(tmp_path: Path) -> None:
    answer = (
        '<details type="reasoning" done="true" duration="5">\n<summary>Thought for 5 seconds</summary>\n'
        "> Is it &lt;zip&gt;?\n> It is.\n</details>\n"
        '<details type="tool_calls" done="true" name="look" arguments="&quot;{}&quot;" result="&quot;found&quot;">\n'
        "<summary>Tool Executed</summary>\n</details>\nAn archive."
    )
    path = tmp_path / "x.json"
    path.write_bytes(as_json([openwebui_conversation("c", content=answer, followUps=["And tar?"])]))
    ((told,), _) = read_all(path)
    answered = told.messages[1]
    assert "<summary>Thoughts</summary>\n\nIs it <zip>?\nIt is.\n\n</details>" in answered.text
    assert "<summary>Tool call: look</summary>" in answered.text
    assert '"found"' in answered.text
    assert answered.text.endswith("</details>\n\nAn archive.")
    assert answered.extra["related"] == ["And tar?"]


def test_an_answer_told_item_by_item_is_read_where_there_is_no_other(tmp_path: Path) -> None:
    output = [
        {"type": "reasoning", "status": "completed", "content": [{"type": "output_text", "text": "Hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "An archive."}]},
    ]
    path = tmp_path / "x.json"
    talks = [openwebui_conversation("c", output=output), openwebui_conversation("d", content="", output=output)]
    path.write_bytes(as_json(talks))
    (beside, alone), _ = read_all(path)
    assert beside.messages[1].text == "An archive."
    assert alone.messages[1].text == "<details><summary>Thoughts</summary>\n\nHm\n\n</details>\n\nAn archive."
